//! Waiting in tasks of an executor.

use std::future::Future;
use std::time::{Duration, Instant};

use crosspage::latest::{DynReader, Reader, Writer};
use crosspage::{Layout, testing};

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
struct Sample {
    counter: u64,
}

/// On one thread, so that whoever blocks it is found out.
pub fn run<T>(task: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let guarded = async { tokio::time::timeout(PATIENCE, task).await };
    runtime.block_on(guarded).expect("it ends")
}

pub fn soon() -> tokio::time::Sleep {
    tokio::time::sleep(Duration::from_millis(30))
}

#[test]
fn a_thousand_tasks_wait_on_one_thread() {
    let _namespace = testing::namespace();
    let mut writer = Writer::<Sample>::create("telemetry").unwrap();
    let reader = std::sync::Arc::new(Reader::<Sample>::open("telemetry").unwrap());
    run(tokio::task::LocalSet::new().run_until(async {
        let threads = || {
            std::fs::read_dir("/proc/self/task")
                .map(Iterator::count)
                .unwrap_or(0)
        };
        let before = threads();
        let tasks: Vec<_> = (0..1000)
            .map(|_| {
                let reader = reader.clone();
                tokio::task::spawn_local(async move { reader.wait_changed_async(0, None).await })
            })
            .collect();
        soon().await;
        // 127 for each; other tests may start some of their own meanwhile.
        assert!(threads() < before + 60, "{before} {}", threads());
        writer.write(&Sample { counter: 7 }).unwrap();
        for task in tasks {
            let found = task.await.unwrap().unwrap();
            assert_eq!((found.value.counter, found.version), (7, 1));
        }
    }));
}

#[test]
fn each_of_many_pages_wakes_its_own() {
    let _namespace = testing::namespace();
    const PAGES: usize = 200;
    let name = |i: usize| format!("page/{i}");
    let mut writers: Vec<_> = (0..PAGES)
        .map(|i| Writer::<Sample>::create(&name(i)).unwrap())
        .collect();
    let readers = (0..PAGES).map(|i| Reader::<Sample>::open(&name(i)).unwrap());
    run(tokio::task::LocalSet::new().run_until(async {
        let tasks: Vec<_> = readers
            .map(|reader| {
                tokio::task::spawn_local(async move { reader.wait_changed_async(0, None).await })
            })
            .collect();
        soon().await;
        for (i, task) in tasks.into_iter().enumerate().rev() {
            assert!(!task.is_finished(), "page {i} was not written yet");
            writers[i].write(&Sample { counter: i as u64 }).unwrap();
            assert_eq!(task.await.unwrap().unwrap().value.counter, i as u64);
        }
    }));
}

#[test]
fn a_wake_up_is_no_poll() {
    let _namespace = testing::namespace();
    let mut writer = Writer::<Sample>::create("telemetry").unwrap();
    let reader = Reader::<Sample>::open("telemetry").unwrap();
    let mut fastest = PATIENCE;
    for counter in 1..=20 {
        let writer = &mut writer;
        std::thread::scope(|scope| {
            let written = scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(3));
                let now = Instant::now();
                writer.write(&Sample { counter }).unwrap();
                now
            });
            let found = run(reader.wait_changed_async(counter - 1, None)).unwrap();
            let woken = Instant::now();
            assert_eq!(found.version, counter);
            fastest = fastest.min(woken - written.join().unwrap());
        });
    }
    match sleeps_on_many_words() {
        true => assert!(fastest < Duration::from_micros(900), "{fastest:?}"),
        false => println!("skipped: no futex_waitv here; words are looked at once a millisecond"),
    }
}

/// Whether the system has futex_waitv(2): emulators may lack it, as older kernels do.
pub fn sleeps_on_many_words() -> bool {
    #[cfg(target_os = "linux")]
    // SAFETY: without waiters the call reads nothing, and says EINVAL where there is such a call.
    unsafe {
        let none = std::ptr::null::<u8>();
        libc::syscall(libc::SYS_futex_waitv, none, 0, 0, none, 0);
        std::io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL)
    }
    #[cfg(not(target_os = "linux"))]
    false
}

#[test]
fn time_outs_and_tasks_that_are_dropped() {
    let _namespace = testing::namespace();
    let mut writer = Writer::<Sample>::create("telemetry").unwrap();
    let reader = Reader::<Sample>::open("telemetry").unwrap();
    run(async {
        let before = Instant::now();
        let late = reader
            .wait_changed_async(0, Duration::from_millis(30))
            .await;
        assert!(late.unwrap_err().is_timed_out());
        assert!(before.elapsed() >= Duration::from_millis(30));
        assert!(
            reader
                .wait_changed_async(0, Duration::ZERO)
                .await
                .unwrap_err()
                .is_timed_out()
        );

        let limit = Duration::from_millis(20);
        assert!(
            tokio::time::timeout(limit, reader.wait_changed_async(0, None))
                .await
                .is_err()
        );
        writer.write(&Sample { counter: 1 }).unwrap();
        let found = reader.wait_changed_async(0, None).await.unwrap();
        assert_eq!(
            found.value.counter, 1,
            "no value is lost to a wait that was given up"
        );

        let dynamic = DynReader::open("telemetry").unwrap();
        let found = dynamic.wait_changed_async(0, None).await.unwrap();
        assert_eq!(found.get("counter").unwrap().as_int(), Some(1));
    });
    // A future that is forgotten keeps what it slept on mapped.
    let forgotten = reader.wait_changed_async(1, None);
    let mut forgotten = Box::pin(forgotten);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(forgotten.as_mut().poll(&mut context).is_pending());
    std::mem::forget(forgotten);
    drop(reader);
    writer.write(&Sample { counter: 2 }).unwrap();
    std::thread::sleep(Duration::from_millis(150));
}

#[test]
fn pages_that_come_to_be_and_readers_that_leave_no_trace() {
    let _namespace = testing::namespace();
    let limit = Duration::from_millis(20);
    run(async {
        let late = Reader::<Sample>::open_wait_async("telemetry", limit).await;
        assert!(late.unwrap_err().is_timed_out());
        let open = Reader::<Sample>::open_wait_async("telemetry", None);
        let make = async {
            soon().await;
            Writer::<Sample>::create("telemetry").unwrap()
        };
        let (reader, mut writer) = both(open, make).await;
        assert!(reader.unwrap().read().unwrap().is_none());

        let quiet = Reader::<Sample>::options()
            .read_only(true)
            .open("telemetry")
            .unwrap();
        let write = async {
            soon().await;
            writer.write(&Sample { counter: 3 }).unwrap()
        };
        let (found, _) = both(quiet.wait_changed_async(0, None), write).await;
        assert_eq!(found.unwrap().value.counter, 3);
    });
}

/// A task whose waker panics harms nobody but itself.
#[test]
fn a_waker_that_panics() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: std::sync::Arc<Self>) {
            panic!("on purpose: a waker's");
        }
    }
    let _namespace = testing::namespace();
    let mut writer = Writer::<Sample>::create("telemetry").unwrap();
    let reader = Reader::<Sample>::open("telemetry").unwrap();
    let waker = std::sync::Arc::new(Panics).into();
    let mut bad = Box::pin(reader.wait_changed_async(0, None));
    let mut context = std::task::Context::from_waker(&waker);
    assert!(bad.as_mut().poll(&mut context).is_pending());
    writer.write(&Sample { counter: 1 }).unwrap();
    std::thread::sleep(Duration::from_millis(150));
    let late = run(reader.wait_changed_async(1, Duration::from_millis(20)));
    assert!(late.unwrap_err().is_timed_out());
}

/// A forked child has no thread of its parent's, and its tasks are woken all the same.
#[cfg(unix)]
#[test]
fn a_forked_child_waits_in_tasks() {
    let _namespace = testing::namespace();
    let limit = Duration::from_millis(20);
    let wait = || run(Reader::<Sample>::open_wait_async("nothing", limit)).is_err();
    assert!(wait());
    // SAFETY: the child only waits, in a runtime of its own, and leaves without running destructors; an
    // alarm ends it where it does not.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: plain calls.
        unsafe {
            libc::alarm(10);
            libc::_exit(if wait() { 0 } else { 1 });
        }
    }
    let mut status = -1;
    // SAFETY: a child of ours, and a writable place.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "it ends by itself, and not by the alarm");
}

/// Runs two futures at once.
pub async fn both<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (Box::pin(a), Box::pin(b));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(|context| {
        use std::task::Poll;
        if first.is_none()
            && let Poll::Ready(done) = a.as_mut().poll(context)
        {
            first = Some(done);
        }
        if second.is_none()
            && let Poll::Ready(done) = b.as_mut().poll(context)
        {
            second = Some(done);
        }
        match (first.is_some(), second.is_some()) {
            (true, true) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
    (first.expect("done"), second.expect("done"))
}

#[cfg(unix)]
#[test]
fn foreign_flags() {
    use crosspage::foreign::View;
    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    struct Shared {
        counter: u32,
        ready: bool,
    }
    let name = format!("posix:/crosspage-tasks-{}", std::process::id());
    run(async {
        let open = View::<Shared>::open_wait_async(&name, None);
        let make = async {
            soon().await;
            View::<Shared>::create(&name, 64).unwrap()
        };
        let (view, mut writer) = both(open, make).await;
        let view = view.unwrap();
        let late = view
            .read_ready_async("ready", Duration::from_millis(20))
            .await;
        assert!(late.unwrap_err().is_timed_out());
        let value = Shared {
            counter: 5,
            ready: true,
        };
        let write = async {
            soon().await;
            writer.write_with_ready(&value, "ready").unwrap();
        };
        assert_eq!(
            both(view.read_ready_async("ready", None), write)
                .await
                .0
                .unwrap(),
            value
        );
        assert_eq!(view.read_stable_async(None).await.unwrap(), value);
    });
    crosspage::remove_forced(&name).unwrap();
}

/// A message with a tail waits for the room that its tail takes.
#[test]
fn tails() {
    use crosspage::topic::{Policy, Publisher, Subscriber};
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<(Sample, [u32])>::options()
        .policy(Policy::Block)
        .capacity(4096)
        .timeout(PATIENCE)
        .attach("counts")
        .unwrap();
    let mut subscriber = Subscriber::<(Sample, [u32])>::attach("counts").unwrap();
    let tail: Vec<u32> = (0..300).collect();
    run(async {
        let publish = async {
            for counter in 1..=500 {
                let sample = Sample { counter };
                let sent = publisher.publish_async(&sample, &tail).await;
                assert_eq!(sent.unwrap(), counter);
            }
            let loan = publisher.loan(&Sample { counter: 501 }, 0).unwrap();
            loan.commit_async().await.unwrap();
        };
        let receive = async {
            for counter in 1..=500 {
                let message = subscriber.recv_async(PATIENCE).await.unwrap();
                assert_eq!(message.value.header().counter, counter);
                assert_eq!(message.value.tail(), tail);
            }
            let last = subscriber.recv_async(PATIENCE).await.unwrap();
            assert_eq!((last.sequence, last.value.tail().len()), (501, 0));
        };
        both(publish, receive).await;
    });
}

/// Every call of a topic that waits has its form for tasks, and none of them blocks the others' thread.
#[test]
fn topics() {
    use crosspage::topic::{DynSubscriber, DynValue, Policy, Publisher, Subscriber};
    fn movable<F: Future + Send>(future: F) -> F {
        future
    }
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Sample>::options()
        .policy(Policy::Block)
        .capacity(4096)
        .timeout(PATIENCE)
        .attach("counts")
        .unwrap();
    run(async {
        let late = publisher.wait_subscribers_async(1, Duration::from_millis(20));
        assert!(movable(late).await.unwrap_err().is_timed_out());
        let come = async {
            soon().await;
            Subscriber::<Sample>::attach("counts").unwrap()
        };
        let (number, mut subscriber) = both(publisher.wait_subscribers_async(1, None), come).await;
        assert_eq!(number.unwrap(), 1);
        assert_eq!(subscriber.wait_publishers_async(1, None).await.unwrap(), 1);

        let late = subscriber.recv_async(Duration::from_millis(20)).await;
        assert!(late.unwrap_err().is_timed_out());
        let limit = Duration::from_millis(20);
        assert!(
            tokio::time::timeout(limit, subscriber.recv_async(None))
                .await
                .is_err()
        );
        // More than there is room for: each waits for the other.
        let publish = async {
            for counter in 1..=2000 {
                let sample = Sample { counter };
                let sent = movable(publisher.publish_async(&sample)).await;
                assert_eq!(sent.unwrap(), counter);
            }
            let mut loan = publisher.loan().unwrap();
            loan.as_mut().unwrap().counter = 2001;
            movable(loan.commit_async()).await.unwrap();
        };
        let receive = async {
            soon().await;
            let mut seen = 0;
            while seen < 2001 {
                let message = movable(subscriber.recv_async(PATIENCE)).await.unwrap();
                seen += 1;
                assert_eq!((message.sequence, message.value.counter), (seen, seen));
                let more = subscriber.recv_many_async(3, PATIENCE);
                if seen < 2000 {
                    seen += movable(more).await.unwrap().len() as u64;
                }
            }
        };
        both(publish, receive).await;

        let mut dynamic = DynSubscriber::attach("counts").unwrap();
        let publish = async {
            soon().await;
            publisher.publish_async(&Sample { counter: 7 }).await
        };
        let (message, sent) = both(dynamic.recv_async(None), publish).await;
        assert_eq!(sent.unwrap(), 2002);
        match message.unwrap().value {
            DynValue::Record(record) => {
                assert_eq!(record.get("counter").unwrap().as_int(), Some(7));
            }
            other => panic!("{other:?}"),
        }
        // Nobody takes them: the time-out is that of publishing.
        let mut publisher = Publisher::<[u8]>::options()
            .policy(Policy::Block)
            .capacity(4096)
            .timeout(Duration::from_millis(20))
            .attach("bytes")
            .unwrap();
        let _slow = Subscriber::<[u8]>::attach("bytes").unwrap();
        let error = loop {
            if let Err(error) = publisher.publish_async(&[0; 100]).await {
                break error;
            }
        };
        assert!(
            error.is_timed_out() && error.to_string().contains("subscriber pid"),
            "{error}"
        );
    });
}
