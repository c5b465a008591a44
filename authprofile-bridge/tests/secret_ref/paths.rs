//! Paths that are refused.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use authprofile_bridge::secret_ref::{PathProblem, SecretRefProblem as P, SecretRefs};
use serde_json::{Value, json};

use super::common::{Folder, exec, file, one, problem, secrets, value};

fn of_file(path: impl AsRef<Path>) -> SecretRefs {
    secrets(&one(json!({"source": "file", "path": path.as_ref(), "mode": "singleValue"})))
}

async fn why(secrets: &SecretRefs) -> PathProblem {
    match problem(secrets, file("value")).await {
        P::Path(problem) => problem,
        other => panic!("{other:?}"),
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_file_is_absolute_regular_and_its_owners_alone() {
    let folder = Folder::new();
    let path = folder.file("key", "k");
    assert_eq!(value(&of_file(&path), file("value")).await, "k");
    assert_eq!(why(&of_file("key")).await, PathProblem::NotAbsolute);
    assert_eq!(why(&of_file(folder.path().join("none"))).await, PathProblem::NotReadable);
    assert_eq!(why(&of_file(folder.path())).await, PathProblem::NotAFile);
    for open in [0o640, 0o604, 0o620, 0o602] {
        mode(&path, open);
        assert_eq!(why(&of_file(&path)).await, PathProblem::TooOpen, "{open:o}");
    }
    mode(&path, 0o400);
    assert_eq!(value(&of_file(&path), file("value")).await, "k");
}

#[tokio::test]
async fn another_users_file_is_refused() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let folder = Folder::new();
    let mine = folder.file("key", "k");
    // Only the superuser can give files away, and only others have files of the superuser about.
    let theirs = if fs::metadata(&mine).unwrap().uid() == 0 {
        chown(&mine, Some(65_534), None).unwrap();
        mine
    } else {
        "/etc/passwd".into()
    };
    assert_eq!(why(&of_file(&theirs)).await, PathProblem::Owner);
    assert_eq!(refused(&command(&theirs, json!({}))).await, PathProblem::Owner);
}

#[tokio::test]
async fn a_link_is_refused_of_either_sort() {
    let folder = Folder::new();
    let path = folder.file("key", "k");
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    assert_eq!(why(&of_file(&link)).await, PathProblem::SymbolicLink);
    let dangling = folder.path().join("dangling");
    symlink(folder.path().join("none"), &dangling).unwrap();
    assert_eq!(why(&of_file(&dangling)).await, PathProblem::SymbolicLink);
    fs::hard_link(&path, folder.path().join("second")).unwrap();
    assert_eq!(why(&of_file(&path)).await, PathProblem::HardLinks);
}

#[tokio::test]
async fn a_pipe_is_refused_and_not_waited_for() {
    let folder = Folder::new();
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    assert_eq!(why(&of_file(&path)).await, PathProblem::NotAFile);
}

const ANSWER: &str = r#"echo '{"protocolVersion":1,"values":{"a":"1"}}'"#;

fn command(path: &Path, more: Value) -> SecretRefs {
    let mut source = json!({"source": "exec", "command": path});
    source.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    secrets(&one(source))
}

async fn refused(secrets: &SecretRefs) -> PathProblem {
    match problem(secrets, exec("a")).await {
        P::Path(problem) => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_program_others_could_change_is_not_started() {
    let folder = Folder::new();
    let path = folder.program("p", ANSWER);
    assert_eq!(value(&command(&path, json!({})), exec("a")).await, "1");
    mode(&path, 0o755);
    assert_eq!(value(&command(&path, json!({})), exec("a")).await, "1", "readable is fine");
    for open in [0o775, 0o757] {
        mode(&path, open);
        assert_eq!(refused(&command(&path, json!({}))).await, PathProblem::TooOpen);
        let insecure = command(&path, json!({"allowInsecurePath": true}));
        assert_eq!(value(&insecure, exec("a")).await, "1");
    }
    mode(&path, 0o700);
    fs::hard_link(&path, folder.path().join("second")).unwrap();
    assert_eq!(refused(&command(&path, json!({}))).await, PathProblem::HardLinks);
    assert_eq!(refused(&command(Path::new("p"), json!({}))).await, PathProblem::NotAbsolute);
    assert_eq!(refused(&command(folder.path(), json!({}))).await, PathProblem::NotAFile);
}

#[tokio::test]
async fn a_link_to_a_program_is_followed_only_if_that_is_allowed() {
    let folder = Folder::new();
    let path = folder.program("p", ANSWER);
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    assert_eq!(refused(&command(&link, json!({}))).await, PathProblem::SymbolicLink);
    let allowed = json!({"allowSymlinkCommand": true});
    assert_eq!(value(&command(&link, allowed.clone()), exec("a")).await, "1");
    mode(&path, 0o777);
    assert_eq!(
        refused(&command(&link, allowed)).await,
        PathProblem::TooOpen,
        "its target is judged"
    );
}

#[tokio::test]
async fn a_trusted_folder_holds_the_real_path() {
    let folder = Folder::new();
    for name in ["trusted", "trusted-not"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let (trusted, outside) = (folder.path().join("trusted"), folder.path().join("trusted-not"));
    let good = folder.program("trusted/p", ANSWER);
    let bad = folder.program("trusted-not/p", ANSWER);
    let dirs = json!({"trustedDirs": [trusted]});
    assert_eq!(value(&command(&good, dirs.clone()), exec("a")).await, "1");
    assert_eq!(refused(&command(&bad, dirs)).await, PathProblem::Untrusted, "a prefix of the name");
    // A link inside that leads out.
    let link = trusted.join("out");
    symlink(&bad, &link).unwrap();
    let linked = json!({"trustedDirs": [trusted], "allowSymlinkCommand": true});
    assert_eq!(refused(&command(&link, linked)).await, PathProblem::Untrusted);
    // A folder of links inside that leads out.
    symlink(&outside, trusted.join("folder")).unwrap();
    let through = trusted.join("folder/p");
    let dirs = json!({"trustedDirs": [trusted], "allowInsecurePath": true});
    assert_eq!(refused(&command(&through, dirs)).await, PathProblem::Untrusted);
}
