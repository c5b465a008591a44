//! The gateway tells its story, and everything it promises comes true.

use examples::gateway::{self, host::Pace};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_story_comes_true() {
    let told = gateway::run(Pace::Fast).await;
    let text = told.lines.join("\n");
    for promised in [
        "skill:weather    asks for alice's calendar: access_denied",
        "for alice: needs_reauth (not_signed_in)",
        "bob is signed in",
        "200 of 200 calls done",
        "was asked 1 time for alice",
        "who never signed in here",
        "a new call: needs_reauth; the handle: needs_reauth",
        "0 failed",
        "50 of 50 succeed",
        "-> backing_off",
        "rotates the key in the model's console",
        "20 of 20 calls under way fail: revoked",
        "for bob, through the handle: session_ended, for good",
        "a late call: shut_down",
        "refresh tokens spent twice            0",
        "nothing is left of the folder",
        "no line holds a secret",
    ] {
        assert!(text.contains(promised), "`{promised}` is missing");
    }
    assert!(!text.contains("FAILED"), "an expectation failed");
    assert!(told.ok);
}
