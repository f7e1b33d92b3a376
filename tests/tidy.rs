//! Habits of this repository that no compiler knows, as ordinary tests. What clippy can find, clippy finds.

// Clippy takes only the test functions themselves for tests (.clippy.toml), not what they share.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use conductor_e::config::{Environment, Settings};
use sha2::{Digest, Sha256};

/// One noun a file: above this it is two nouns. Tests beside the code don't count.
const MOST_PRODUCTION_LINES: usize = 400;

/// Declarations of payloads without any logic, a line or two each: lists are as long as what they list.
const LISTS: &str = "src/core/event";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folders: &[&str], extension: &str) -> Vec<PathBuf> {
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|is| is == extension) {
            found.push(path);
        }
    }
    assert!(!found.is_empty(), "there are .{extension} files in {folders:?}");
    found.sort();
    found
}

/// The paths, from the root, of those files whose text is wrong; none should be.
#[track_caller]
fn none(problem: &str, files: Vec<PathBuf>, wrong: impl Fn(&Path, &str) -> bool) {
    let found: Vec<PathBuf> = files
        .into_iter()
        .filter(|path| wrong(path, &fs::read_to_string(path).unwrap()))
        .map(|path| path.strip_prefix(root()).unwrap().to_path_buf())
        .collect();
    assert!(found.is_empty(), "{problem}: {found:#?}");
}

fn production_lines(text: &str) -> usize {
    text.lines().take_while(|line| *line != "#[cfg(test)]").count()
}

#[test]
fn files_hold_one_noun() {
    let problem = format!("more than {MOST_PRODUCTION_LINES} lines before the tests");
    none(&problem, files(&["src", "actors", "tests/support"], "rs"), |path, text| {
        let is_list = path.starts_with(root().join(LISTS));
        let is_test = path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"));
        !is_list && !is_test && production_lines(text) > MOST_PRODUCTION_LINES
    });
}

#[test]
fn every_room_says_what_it_is_for() {
    let rooms = ["mod.rs", "lib.rs", "main.rs"];
    none("begins without a //! head", files(&["src", "actors", "tests"], "rs"), |path, text| {
        rooms.iter().any(|room| path.ends_with(room)) && !text.starts_with("//! ")
    });
}

/// The one file that makes an actix-web resource of an endpoint with its description, and those that serve such.
const SERVING: [&str; 2] = ["src/http/openapi/endpoint.rs", "src/http/routes.rs"];

#[test]
fn nothing_is_served_without_a_description() {
    none("serves a path past `Endpoint`", files(&["src/http", "src/daemon", "src/cli"], "rs"), |path, text| {
        let production: Vec<&str> = text.lines().take_while(|line| *line != "#[cfg(test)]").collect();
        let is_test = path.components().any(|part| part.as_os_str() == "tests")
            || path.ends_with("tests.rs")
            || path.ends_with("testing.rs");
        let serves = [".service(", ".route(", "resource(", "scope("];
        let serving = SERVING.iter().any(|one| path.ends_with(one));
        !is_test && !serving && production.iter().any(|line| serves.iter().any(|word| line.contains(word)))
    });
}

#[test]
fn every_crate_is_under_the_lints_of_the_workspace() {
    let manifests: Vec<PathBuf> = files(&["Cargo.toml", "src", "actors", "tests"], "toml")
        .into_iter()
        .filter(|path| path.ends_with("Cargo.toml"))
        .collect();
    assert!(manifests.len() >= 6, "{manifests:?}");
    none("without [lints] workspace = true", manifests, |_, text| !text.contains("[lints]\nworkspace = true"));
}

/// The fenced blocks of the documents at the root: language, text.
fn fenced() -> Vec<(PathBuf, String, String)> {
    let mut blocks = Vec::new();
    let documents = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    for path in documents.filter(|path| path.extension().is_some_and(|is| is == "md")) {
        let text = fs::read_to_string(&path).unwrap();
        for block in text.split("\n```").skip(1).step_by(2) {
            let (language, body) = block.split_once('\n').unwrap_or((block, ""));
            blocks.push((path.clone(), language.trim().to_owned(), body.to_owned()));
        }
    }
    blocks
}

#[test]
fn commands_in_the_documents_exist() {
    for (path, _, body) in
        fenced().into_iter().filter(|(_, language, _)| ["sh", "bash", "console"].contains(&language.as_str()))
    {
        for word in
            body.split_whitespace().filter(|word| ["tests/", ".ci/", "./"].iter().any(|start| word.starts_with(start)))
        {
            let command = root().join(word.trim_start_matches("./"));
            assert!(command.exists(), "{} names {word}, which does not exist", path.display());
        }
    }
}

#[test]
fn settings_in_the_documents_are_sound() {
    for (path, _, body) in fenced().into_iter().filter(|(_, language, _)| language == "toml") {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &body).unwrap();
        if let Err(mistakes) = Settings::load_with(Some(file.path()), &Environment::default()) {
            panic!("{} shows settings that are refused:\n{body}\n{mistakes}", path.display());
        }
    }
}

#[test]
fn every_guarantee_is_proved_by_tests_that_exist() {
    let code: String =
        files(&["src", "actors", "tests"], "rs").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let promises = fs::read_to_string(root().join("tests/guarantees.md")).unwrap();
    let mut lines = 0;
    for line in promises.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| What holds")) {
        let tests: Vec<&str> = line.rsplit(" | ").next().unwrap().split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "nothing proves: {line}");
        let missing = tests.into_iter().find(|test| !code.contains(&format!("fn {test}(")));
        assert_eq!(missing, None, "there is no such test: {line}");
        lines += 1;
    }
    assert!(lines > 30, "{lines} promises were found");
}

/// What is wrong with the migrations, given the list of released ones (`sha256sum migrations/*/*.sql` at each release).
///
/// A released migration has run at somebody's: edited, it would refuse to start there. New ones may change until their release.
fn edited(released: &str, content: impl Fn(&str) -> Option<Vec<u8>>) -> Vec<String> {
    let listed = released.lines().filter_map(|line| line.split_once("  "));
    let wrong = listed.filter(|(sum, path)| content(path).is_none_or(|text| hex::encode(Sha256::digest(text)) != *sum));
    wrong.map(|(_, path)| path.to_owned()).collect()
}

#[test]
fn released_migrations_are_never_edited() {
    let released = fs::read_to_string(root().join("migrations/released.sha256")).unwrap();
    let found = edited(&released, |path| fs::read(root().join(path)).ok());
    assert!(found.is_empty(), "released migrations were edited or removed, write a new one instead: {found:?}");
}

#[test]
fn an_edited_and_a_removed_migration_would_be_found() {
    let sum = hex::encode(Sha256::digest("CREATE TABLE a();"));
    let released = format!("{sum}  kept.sql\n{sum}  edited.sql\n{sum}  removed.sql\n");
    let content = |path: &str| match path {
        "kept.sql" => Some(b"CREATE TABLE a();".to_vec()),
        "edited.sql" => Some(b"CREATE TABLE b();".to_vec()),
        _ => None,
    };
    assert_eq!(edited(&released, content), ["edited.sql", "removed.sql"]);
}
