//! Text in a fixed number of bytes.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::{Error, ErrorKind, Result};

/// UTF-8 text in exactly `N` bytes, padded with NUL: C's `char[N]` in a shared struct.
///
/// A text may fill all `N` bytes, so there is not always a final NUL. A text that does not fit is
/// an error; [`truncate_from`](Text::truncate_from) cuts instead.
///
/// ```
/// use crosspage::Text;
/// let name = Text::<8>::new("Zoë")?;
/// assert_eq!(name.as_str()?, "Zoë");
/// assert!(Text::<3>::new("Zoë").is_err()); // four bytes
/// assert_eq!(Text::<3>::truncate_from("Zoë"), "Zo"); // never half a letter
/// # Ok::<(), crosspage::Error>(())
/// ```
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    /// `text`, padded with NUL.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] where it does not fit into `N` bytes; [`ErrorKind::Invalid`] where
    /// it contains a NUL, at which every reader would end it.
    pub fn new(text: &str) -> Result<Text<N>> {
        fit(text, N)?;
        Ok(Text::truncate_from(text))
    }

    /// As much of `text` as fits: cut between two characters, and before a NUL.
    pub fn truncate_from(text: &str) -> Text<N> {
        let text = text.split('\0').next().unwrap_or_default();
        let mut end = text.len().min(N);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut bytes = [0; N];
        bytes[..end].copy_from_slice(&text.as_bytes()[..end]);
        Text(bytes)
    }

    /// The text of these bytes, which end at the first NUL or at `N`.
    pub const fn from_bytes(bytes: [u8; N]) -> Text<N> {
        Text(bytes)
    }

    /// The bytes before the first NUL. A peer may have written anything, UTF-8 or not.
    pub fn as_bytes(&self) -> &[u8] {
        until_nul(&self.0)
    }

    /// The text.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where it is not UTF-8: some program wrote other bytes.
    pub fn as_str(&self) -> Result<&str> {
        std::str::from_utf8(self.as_bytes()).map_err(|e| {
            Error::new(
                ErrorKind::Invalid,
                format!("the text is not UTF-8 from byte {} on", e.valid_up_to()),
            )
            .with_hint("to_string_lossy() replaces what is not UTF-8")
        })
    }

    /// The text, with `U+FFFD` for whatever is not UTF-8.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// Bytes of the text.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The bytes before the first NUL.
pub(crate) fn until_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    &bytes[..end]
}

/// Whether `text` can be stored in `n` bytes and read back the same.
pub(crate) fn fit(text: &str, n: usize) -> Result<()> {
    if text.len() > n {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("a text of {} bytes does not fit into text[{n}]", text.len()),
        ));
    }
    match text.find('\0') {
        Some(at) => Err(Error::new(
            ErrorKind::Invalid,
            format!("a text ends at its first NUL, and this one has a NUL at byte {at}"),
        )),
        None => Ok(()),
    }
}

impl<const N: usize> TryFrom<&str> for Text<N> {
    type Error = Error;

    fn try_from(text: &str) -> Result<Text<N>> {
        Text::new(text)
    }
}

impl<const N: usize> std::str::FromStr for Text<N> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Text<N>> {
        Text::new(text)
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Text<N> {
        Text([0; N])
    }
}

/// Lossy, as [`Text::to_string_lossy`].
impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_string_lossy())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string_lossy(), f)
    }
}

/// Compares the texts; what lies behind the first NUL does not count.
impl<const N: usize, const M: usize> PartialEq<Text<M>> for Text<N> {
    fn eq(&self, other: &Text<M>) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<const N: usize> Eq for Text<N> {}

impl<const N: usize> PartialEq<str> for Text<N> {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<const N: usize> PartialEq<&str> for Text<N> {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl<const N: usize> PartialOrd for Text<N> {
    fn partial_cmp(&self, other: &Text<N>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Ord for Text<N> {
    fn cmp(&self, other: &Text<N>) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl<const N: usize> Hash for Text<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_every_byte_or_refuses() {
        let full = Text::<5>::new("abcde").unwrap();
        assert_eq!((full.as_str().unwrap(), full.len()), ("abcde", 5));
        let error = Text::<4>::new("abcde").unwrap_err();
        assert!(error.is_too_large());
        assert_eq!(
            error.message(),
            "a text of 5 bytes does not fit into text[4]"
        );
        assert!(Text::<9>::new("a\0b").unwrap_err().is_invalid());
    }

    #[test]
    fn truncates_between_characters() {
        assert_eq!(Text::<2>::truncate_from("aé"), "a");
        assert_eq!(Text::<3>::truncate_from("aé"), "aé");
        assert_eq!(Text::<2>::truncate_from("€"), "");
        assert_eq!(Text::<9>::truncate_from("a\0b"), "a");
    }

    #[test]
    fn bytes_from_a_peer() {
        let text = Text::from_bytes(*b"ab\0\xff");
        assert_eq!(text.as_str().unwrap(), "ab");
        assert_eq!(text, Text::<2>::new("ab").unwrap());
        let bad = Text::from_bytes(*b"a\xffb");
        assert!(bad.as_str().unwrap_err().is_invalid());
        assert_eq!(bad.to_string_lossy(), "a\u{fffd}b");
        assert_eq!(format!("{bad} {bad:?}"), "a\u{fffd}b \"a\u{fffd}b\"");
        assert_eq!(format!("[{:<4}]", Text::<2>::new("x").unwrap()), "[x   ]");
    }
}
