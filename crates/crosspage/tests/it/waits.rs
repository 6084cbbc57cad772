//! Waiting for several handles at once, and in event loops.

use std::time::{Duration, Instant};

use crosspage::latest::{DynReader, Reader, Writer};
use crosspage::topic::{DynSubscriber, Publisher, RawPublisher, RawSubscriber, Subscriber};
use crosspage::{Layout, Waitable, testing, topic, wait_any, wait_any_async};

const PATIENCE: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_millis(30);

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
struct Sample {
    counter: u64,
}

#[test]
fn whichever_has_news() {
    let _namespace = testing::namespace();
    let mut writer = Writer::<Sample>::create("page").unwrap();
    let mut publisher = Publisher::<Sample>::attach("topic").unwrap();
    let mut lines = Publisher::<[u8]>::attach("lines").unwrap();
    let mut reader = Reader::<Sample>::open("page").unwrap();
    let mut dynamic = DynReader::open("page").unwrap();
    let mut subscriber = Subscriber::<Sample>::attach("topic").unwrap();
    let mut any = DynSubscriber::attach("lines").unwrap();

    let late = wait_any(&mut [&mut reader, &mut subscriber], Duration::ZERO);
    assert!(late.unwrap_err().is_timed_out());
    let before = Instant::now();
    let late = wait_any(&mut [&mut reader, &mut subscriber, &mut any], SOON);
    let message = late.unwrap_err().to_string();
    assert!(message.contains("3 handles"), "{message}");
    assert!(before.elapsed() >= SOON);
    assert!(wait_any(&mut [], SOON).unwrap_err().is_timed_out());
    assert!(wait_any(&mut [], None).unwrap_err().is_invalid());

    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(SOON);
            publisher.publish(&Sample { counter: 1 }).unwrap();
        });
        let ready = wait_any(&mut [&mut reader, &mut subscriber, &mut any], PATIENCE);
        assert_eq!(ready.unwrap(), [1]);
    });
    lines.publish(b"x").unwrap();
    // What is ready is not taken.
    for _ in 0..2 {
        let ready = wait_any(&mut [&mut reader, &mut subscriber, &mut any], None);
        assert_eq!(ready.unwrap(), [1, 2]);
    }
    assert_eq!(subscriber.try_recv().unwrap().unwrap().value.counter, 1);
    assert!(any.try_recv().unwrap().is_some());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(SOON);
            writer.write(&Sample { counter: 2 }).unwrap();
        });
        let ready = wait_any(&mut [&mut subscriber, &mut reader, &mut any], PATIENCE);
        assert_eq!(ready.unwrap(), [1]);
    });
    assert_eq!(reader.read().unwrap().unwrap().value.counter, 2);
    // Each handle has its own news.
    let ready = wait_any(&mut [&mut reader, &mut dynamic], None).unwrap();
    assert_eq!(ready, [1]);
    dynamic.read().unwrap();
    let late = wait_any(&mut [&mut reader, &mut dynamic, &mut subscriber], SOON);
    assert!(late.unwrap_err().is_timed_out());
    // An error is news.
    drop(writer);
    crosspage::remove_forced("page").unwrap();
    let ready = wait_any(&mut [&mut subscriber, &mut reader], PATIENCE).unwrap();
    assert_eq!(ready, [1]);
    assert!(reader.read().unwrap_err().is_replaced());
}

/// More than a system waits for at once are looked at by the clock.
#[test]
fn many_handles() {
    let _namespace = testing::namespace();
    let mut publishers: Vec<_> = (0..10)
        .map(|n| Publisher::<[u8]>::attach(&format!("t/{n}")).unwrap())
        .collect();
    let mut subscribers: Vec<_> = (0..150)
        .map(|n| Subscriber::<[u8]>::attach(&format!("t/{}", n % 10)).unwrap())
        .collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(SOON);
            publishers[9].publish(b"x").unwrap();
        });
        let mut all: Vec<&mut dyn Waitable> = Vec::new();
        for subscriber in &mut subscribers {
            all.push(subscriber);
        }
        let ready = wait_any(&mut all, PATIENCE).unwrap();
        assert!(ready.iter().all(|at| at % 10 == 9), "{ready:?}");
    });
}

/// Waiting costs no processor time: the thread sleeps once for each 100 ms, and does not look each millisecond.
#[cfg(target_os = "linux")]
#[test]
fn a_wait_for_several_is_no_poll() {
    fn sleeps() -> i64 {
        // SAFETY: all zero is a valid value, and the call fills it.
        unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, &mut usage), 0);
            usage.ru_nvcsw
        }
    }
    let _namespace = testing::namespace();
    let _writer = Writer::<Sample>::create("page").unwrap();
    let mut reader = Reader::<Sample>::open("page").unwrap();
    let mut subscriber = Subscriber::<Sample>::attach("topic").unwrap();
    if !super::tasks::sleeps_on_many_words() {
        println!("skipped: words are looked at once a millisecond here");
        return;
    }
    let before = sleeps();
    let limit = Duration::from_millis(400);
    let late = wait_any(&mut [&mut reader, &mut subscriber], limit);
    assert!(late.unwrap_err().is_timed_out());
    let count = sleeps() - before;
    assert!(count < 40, "slept {count} times");
}

#[test]
fn tasks_wait_for_several() {
    let _namespace = testing::namespace();
    let mut writer = Writer::<Sample>::create("page").unwrap();
    let mut reader = Reader::<Sample>::open("page").unwrap();
    let mut subscriber = Subscriber::<Sample>::attach("topic").unwrap();
    super::tasks::run(async {
        let late = wait_any_async(&mut [&mut reader, &mut subscriber], SOON).await;
        assert!(late.unwrap_err().is_timed_out());
        let write = async {
            super::tasks::soon().await;
            writer.write(&Sample { counter: 3 }).unwrap();
        };
        let mut handles: [&mut dyn Waitable; 2] = [&mut subscriber, &mut reader];
        let wait = wait_any_async(&mut handles, PATIENCE);
        let (ready, ()) = super::tasks::both(wait, write).await;
        assert_eq!(ready.unwrap(), [1]);
        assert_eq!(reader.read().unwrap().unwrap().value.counter, 3);
    });
}

#[test]
fn a_stream_of_messages() {
    use futures_core::Stream;
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Sample>::attach("topic").unwrap();
    let mut subscriber = Subscriber::<Sample>::attach("topic").unwrap();
    publisher.publish(&Sample { counter: 0 }).unwrap();
    super::tasks::run(async {
        let publish = async {
            for counter in 1..100 {
                if counter % 10 == 0 {
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
                publisher.publish(&Sample { counter }).unwrap();
            }
        };
        let receive = async {
            for first in (0..100).step_by(25) {
                // Nothing is lost with the one before.
                let mut stream = subscriber.stream();
                for counter in first..first + 25 {
                    let next =
                        std::future::poll_fn(|cx| std::pin::Pin::new(&mut stream).poll_next(cx));
                    assert_eq!(next.await.unwrap().unwrap().value.counter, counter);
                }
            }
        };
        super::tasks::both(receive, publish).await;
        drop(publisher);
        crosspage::remove_forced("topic").unwrap();
        let mut stream = subscriber.stream();
        let mut next =
            async || std::future::poll_fn(|cx| std::pin::Pin::new(&mut stream).poll_next(cx)).await;
        assert!(next().await.unwrap().unwrap_err().is_replaced());
        assert!(next().await.is_none());
    });
}

#[test]
fn a_stream_of_values() {
    use futures_core::Stream;
    let _namespace = testing::namespace();
    let mut writer = Writer::<Sample>::create("page").unwrap();
    let reader = Reader::<Sample>::open("page").unwrap();
    let mut stream = reader.stream();
    let mut next =
        async || std::future::poll_fn(|cx| std::pin::Pin::new(&mut stream).poll_next(cx)).await;
    super::tasks::run(async {
        const LAST: u64 = 100;
        let write = async {
            for counter in 1..=LAST {
                if counter % 10 == 0 {
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
                writer.write(&Sample { counter }).unwrap();
            }
        };
        let read = async {
            let (mut given, mut last) = (0, 0);
            while last < LAST {
                let snapshot = next().await.unwrap().unwrap();
                assert!(snapshot.value.counter > last, "each is given once");
                assert_eq!(snapshot.version, snapshot.value.counter);
                last = snapshot.value.counter;
                given += 1;
            }
            assert!(given >= 5, "it waits while nothing is written: {given}");
        };
        super::tasks::both(read, write).await;
        // One that is made now does not give again what was read.
        let mut another = reader.stream();
        let more = std::future::poll_fn(|cx| std::pin::Pin::new(&mut another).poll_next(cx));
        let more = tokio::time::timeout(SOON, more).await;
        assert!(more.is_err(), "there is nothing newer");
        drop(writer);
        crosspage::remove_forced("page").unwrap();
        assert!(next().await.unwrap().unwrap_err().is_replaced());
        assert!(next().await.is_none());
    });
}

/// A topic that another thread closes, and a message that is not complete.
#[test]
fn what_is_news_of_a_topic() {
    let _namespace = testing::namespace();
    let options = topic::Options::default();
    let mut subscriber = RawSubscriber::attach("t", None, &options).unwrap();
    assert!(!subscriber.has_news());
    let mut publisher = RawPublisher::attach("t", Some(&topic::Kind::Bytes), &options).unwrap();
    assert!(!subscriber.has_news(), "a publisher alone is none");
    publisher.publish_bytes(b"x").unwrap();
    assert!(subscriber.has_news());
    assert!(subscriber.try_recv().unwrap().is_some());
    assert!(!subscriber.has_news());
    let control = subscriber.control();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(SOON);
            control.close();
        });
        assert_eq!(wait_any(&mut [&mut subscriber], PATIENCE).unwrap(), [0]);
    });
    assert!(subscriber.try_recv().unwrap_err().is_closed());
}

#[cfg(unix)]
#[test]
fn a_descriptor_of_a_reader() {
    use super::topic_raw::is_ready;
    let _namespace = testing::namespace();
    let mut writer = Writer::<Sample>::create("page").unwrap();
    let mut reader = Reader::<Sample>::open("page").unwrap();
    let quiet = Reader::<Sample>::options()
        .read_only(true)
        .open("page")
        .unwrap();
    let fd = reader.wait_handle().unwrap();
    assert_eq!(reader.wait_handle().unwrap(), fd);
    assert!(!is_ready(fd, 50) && !is_ready(quiet.wait_handle().unwrap(), 50));
    for counter in 1..=50 {
        writer.write(&Sample { counter }).unwrap();
        for reader in [&reader, &quiet] {
            let fd = reader.wait_handle().unwrap();
            assert!(is_ready(fd, 2000), "version {counter}");
            assert_eq!(reader.read().unwrap().unwrap().value.counter, counter);
            // It may ring once more without news, but not for ever.
            let until = Instant::now() + PATIENCE;
            while is_ready(fd, 20) && Instant::now() < until {
                assert_eq!(reader.read().unwrap().unwrap().version, counter);
            }
            assert!(!is_ready(fd, 0));
        }
    }
    // A reader that asks later is told of what is there.
    let late = DynReader::open("page").unwrap();
    assert!(is_ready(late.wait_handle().unwrap(), 0));
    late.wait_changed(0, None).unwrap();
    assert!(!is_ready(late.wait_handle().unwrap(), 50));
    drop(writer);
    crosspage::remove_forced("page").unwrap();
    assert!(is_ready(fd, 2000), "that the page is gone is news");
    assert!(reader.read().unwrap_err().is_replaced());
    let mut writer = Writer::<Sample>::create("page").unwrap();
    reader.reopen().unwrap();
    let fd = reader.wait_handle().unwrap();
    writer.write(&Sample { counter: 1 }).unwrap();
    assert!(is_ready(fd, 2000));
}
