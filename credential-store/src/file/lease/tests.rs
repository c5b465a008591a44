//! A copy of the lock outlives its holder, as in a child forked without an exec. Safe code does not
//! fork; a descriptor handed down to another program is the same to the kernel.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and its child talks to it"
)]

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::*;

const FOLDER: &str = "CREDENTIAL_STORE_TEST_LEASE";
const NAME: &str = "0123";

struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let name = format!("credential-store-lease-{test}-{}", std::process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir_all(path.join("leases")).unwrap();
        Self(path)
    }

    fn leases(&self) -> Leases {
        Leases::new(Disk::default(), &self.0)
    }

    /// Whether the kernel says that somebody has the lock on the file there now.
    fn locked(&self) -> bool {
        let path = self.0.join("leases").join(format!("{NAME}.lock"));
        let file = fs::OpenOptions::new().read(true).open(path).unwrap();
        matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A process with the lease, and another that has a copy of its lock.
struct Held {
    holder: Child,
    orders: ChildStdin,
    heir: Pid,
    words: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Held {
    fn new(folder: &Folder) -> Self {
        let mut holder = Command::new(env::current_exe().unwrap())
            .args(["file::lease::tests::holder", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, &folder.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = holder.stdin.take().unwrap();
        let mut words = BufReader::new(holder.stdout.take().unwrap()).lines();
        let heir = heard(&mut words, "@heir ").parse().unwrap();
        let heir = Pid::from_raw(heir).unwrap();
        Self { holder, orders, heir, words }
    }

    fn release(&mut self) {
        writeln!(self.orders, "release").unwrap();
        heard(&mut self.words, "@released");
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
        let _ = kill_process(self.heir, Signal::KILL);
    }
}

fn heard(words: &mut impl Iterator<Item = std::io::Result<String>>, begin: &str) -> String {
    let mut words = words.map(Result::unwrap);
    words.find_map(|line| line.strip_prefix(begin).map(str::to_owned)).unwrap()
}

/// Asks as a waiter does, until it has the lease.
fn soon(leases: &Leases) -> (HeldFile, Duration) {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(2) {
        if let Asked::Have(held) = leases.ask(NAME, Turn::Waited).unwrap() {
            return (held, since.elapsed());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("the lease was not free");
}

fn have(leases: &Leases) -> bool {
    matches!(leases.ask(NAME, Turn::Waited).unwrap(), Asked::Have(_))
}

#[test]
#[ignore = "the child of the other tests"]
fn holder() {
    let Some(folder) = env::var_os(FOLDER) else {
        return;
    };
    let leases = Leases::new(Disk::default(), Path::new(&folder));
    let (held, _) = soon(&leases);
    let copy = held.locked.file().try_clone().unwrap();
    let mut heir = Command::new("sleep");
    let heir = heir.arg("1000").stdin(copy).stdout(Stdio::null()).stderr(Stdio::null());
    let mut heir = heir.spawn().unwrap();
    println!("\n@heir {}", heir.id());
    let mut held = Some(held);
    // Until the test is over, or dead.
    for _ in std::io::stdin().lines() {
        held = None;
        println!("@released");
    }
    drop(held);
    let _ = heir.kill();
    let _ = heir.wait();
}

#[test]
fn promise_1_a_lock_left_to_a_child_is_taken_over_when_its_holder_is_killed() {
    let folder = Folder::new("killed");
    let leases = folder.leases();
    let mut held = Held::new(&folder);
    assert!(!have(&leases), "two have the lease");
    held.holder.kill().unwrap();
    let (_ours, span) = soon(&leases);
    println!("taken over from a dead holder with a living child: {span:?}");
    // The child's death, which frees the old file, gives nothing to anybody.
    kill_process(held.heir, Signal::KILL).unwrap();
    for _ in 0..5 {
        assert!(!have(&leases), "two have the lease");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn promise_1_a_lock_on_a_file_that_was_replaced_is_no_lease() {
    let folder = Folder::new("replaced");
    let leases = folder.leases();
    let mut held = Held::new(&folder);
    let path = leases.folder.join(format!("{NAME}.lock"));
    // Somebody opens the file and is slow to lock it.
    let mut slow = leases.disk.lock_file(&path).unwrap();
    held.holder.kill().unwrap();
    held.holder.wait().unwrap();
    let (_ours, _) = soon(&leases);
    kill_process(held.heir, Signal::KILL).unwrap();
    let since = Instant::now();
    let locked = loop {
        slow = match Locked::now(slow, &path, Lock::Exclusive).unwrap() {
            Ok(locked) => break locked,
            Err(file) => file,
        };
        assert!(since.elapsed() < Duration::from_secs(10), "the old file stays locked");
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(leases.enter(locked, &path, &[]).unwrap().is_none(), "two have the lease");
}

#[test]
fn promise_1_of_many_that_take_over_at_once_one_has_the_lease() {
    let folder = Folder::new("many");
    for _ in 0..10 {
        let mut held = Held::new(&folder);
        held.holder.kill().unwrap();
        held.holder.wait().unwrap();
        assert!(folder.locked(), "the child has no copy of the lock");
        let ask = || folder.leases().ask(NAME, Turn::Waited).unwrap();
        let asked: Vec<_> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().map(|asked| asked.join().unwrap()).collect()
        });
        let have = asked.iter().filter(|asked| matches!(asked, Asked::Have(_))).count();
        assert_eq!(have, 1);
    }
}

#[test]
fn promise_1_a_lease_that_is_dropped_is_free_whoever_has_a_copy() {
    let folder = Folder::new("dropped");
    let mut held = Held::new(&folder);
    assert!(folder.locked());
    held.release();
    assert!(have(&folder.leases()));
}

#[test]
fn promise_1_a_lease_stays_held_when_a_child_with_a_copy_ends() {
    let folder = Folder::new("heir");
    let mut held = Held::new(&folder);
    kill_process(held.heir, Signal::KILL).unwrap();
    for _ in 0..10 {
        assert!(!have(&folder.leases()), "two have the lease");
        std::thread::sleep(Duration::from_millis(10));
    }
    held.release();
    assert!(have(&folder.leases()));
}
