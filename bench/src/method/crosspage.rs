//! stand-in until the library has `latest`
use super::Sample;
use std::sync::atomic::AtomicU64;
static N: AtomicU64 = AtomicU64::new(0);
pub struct PageWriter;
pub struct PageReader;
type R<T> = Result<T, Box<dyn std::error::Error>>;
impl PageWriter { pub fn create(_: &str) -> R<Self> { Ok(PageWriter) } pub fn write(&mut self, v: &Sample) { N.store(v.words[0], std::sync::atomic::Ordering::Relaxed); } }
impl PageReader { pub fn open(_: &str) -> R<Self> { Ok(PageReader) } pub fn read(&self) -> Sample { Sample::new(0) } pub fn read_value(&self) -> Sample { self.read() } pub fn version(&self) -> u64 {0} pub fn wait_changed(&self, v: u64) -> u64 { std::thread::sleep(std::time::Duration::from_micros(200)); v } }
