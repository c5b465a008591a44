//! The crate's page says what the command does.

use credentials_cli::Exit;

use super::common::World;

const README: &str = include_str!("../../README.md");

/// The first cells of the table under a heading.
fn cells(heading: &str) -> Vec<String> {
    let (_, section) = README.split_once(&format!("## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| row.split('|').nth(1).unwrap().trim().replace('`', "")).collect()
}

#[tokio::test]
async fn every_subcommand_is_there_and_no_other() {
    let help = World::new().run(&["--help"]).await.code(0).out;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let commands = commands.split("\n\n").next().unwrap();
    let known = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let known: Vec<&str> = known.filter_map(|line| line.split_whitespace().next()).collect();
    let written: Vec<String> = cells("Subcommands")
        .iter()
        .map(|cell| cell.split(' ').next().unwrap().to_owned())
        .collect();
    let known: Vec<&str> = known.into_iter().filter(|name| *name != "help").collect();
    assert_eq!(known, written);
}

#[test]
fn the_exit_codes_are_the_ones_it_has() {
    let known = [
        Exit::Done,
        Exit::Found,
        Exit::SignIn,
        Exit::Denied,
        Exit::NotFound,
        Exit::Later,
        Exit::Usage,
        Exit::Bug,
        Exit::Configuration,
        Exit::Interrupted,
    ];
    let known: Vec<String> = known.iter().map(|exit| exit.code().to_string()).collect();
    assert_eq!(cells("Exit codes"), known);
    for exit in [Exit::NotRunnable, Exit::NoProgram] {
        assert!(README.contains(&format!("{} if", exit.code())));
    }
}

/// What the page shows a command to print: the lines below it.
fn shown(command: &str) -> String {
    let (_, rest) = README.split_once(&format!("\n$ credentials {command}\n")).unwrap();
    let lines = rest.lines().take_while(|line| !line.is_empty() && !line.starts_with("```"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn the_first_five_minutes_begin_as_they_are_shown() {
    let world = World::new();
    let (_, block) = README.split_once("```json5\n").unwrap();
    let path = world.file("credentials.json5", block.split_once("```").unwrap().0);
    let done = world.run(&["providers"]).await.code(0);
    assert_eq!(done.out, shown("providers"));
    let status = world.run(&["status"]).await.code(0);
    assert_eq!(shown("status").lines().next(), status.err.lines().next());
    let denied = world.run(&["get", "vault/openai"]).await.code(3);
    let place = "/home/alice/.config/credentials/credentials.json5";
    assert_eq!(denied.err, shown("get vault/openai").replace(place, path.to_str().unwrap()));
}

#[tokio::test]
async fn what_is_kept_is_shown_as_the_page_shows_it() {
    let world = World::new();
    let rules = serde_json::json!([super::common::grant("vault/*")]);
    world.configure(super::common::vault(&world), rules);
    world.run_on(&["set", "vault/openai"], super::common::KEY).await.code(0);
    let done = world.run(&["get", "vault/openai"]).await.code(0);
    assert_eq!(done.out, shown("get vault/openai        # with that rule"));
}
