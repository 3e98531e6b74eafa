//! Keys in the secret store: set without being shown, used where no variable has one, and said to
//! be from there.

use largestack_testkit::upstream::{Answer, ChatReply, Upstream};

use crate::place::{Done, Place};

const KEY: &str = "sk-kept-0123456789abcdef";

/// Runs `secret set` with this on its standard input.
fn set(place: &Place, name: &str, input: &str) -> Done {
    place.pipe(input.as_bytes(), &["secret", "set", name, "--json"])
}

fn file(place: &Place) -> std::path::PathBuf {
    place.path("home/.local/share/largestack/secrets.sealed")
}

fn ran(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Done {
    let mut command = place.command(arguments);
    command.envs(variables.iter().copied());
    Done::of(&command.output().expect("the binary runs"))
}

fn key_of_openai(place: &Place, variables: &[(&str, &str)]) -> (String, Option<String>) {
    let document = ran(place, &["providers", "--json"], variables).expect(0).json();
    let rows = document["providers"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["name"] == "openai").expect("a row");
    let source = row["key_source"].as_str().map(str::to_owned);
    (row["key"].as_str().expect("a word").to_owned(), source)
}

#[test]
fn a_secret_is_set_listed_and_removed_and_never_shown() {
    let place = Place::new();
    let kept = set(&place, "openai", &format!("{KEY}\n")).expect(0);
    let document = kept.json();
    assert_eq!((&document["replaced"], &document["provider"]), (&false.into(), &true.into()));
    assert_eq!(document["file"], file(&place).display().to_string());
    assert!(!kept.out.contains(KEY) && !kept.err.contains(KEY));
    assert_eq!(set(&place, "mine", "x").expect(0).json()["provider"], false);
    assert_eq!(set(&place, "mine", "y\r\n").expect(0).json()["replaced"], true);
    let listed = place.run(&["secret", "list", "--json"]).expect(0).json();
    assert_eq!(listed["names"], serde_json::json!(["mine", "openai"]));
    assert_eq!(place.run(&["secret", "list"]).expect(0).out, "mine\nopenai\n");
    place.run(&["secret", "remove", "mine", "--json"]).expect(0);
    let gone = place.run(&["secret", "remove", "mine"]).expect(5);
    assert!(gone.err.contains("there is no secret mine"), "{}", gone.err);
    assert_eq!(place.run(&["secret", "list"]).expect(0).out, "openai\n");
}

#[test]
fn what_no_secret_can_be_is_refused_and_a_value_is_no_argument() {
    let place = Place::new();
    set(&place, "a b", "x").expect(2);
    set(&place, "empty", "\n").expect(2);
    set(&place, "long", &"x".repeat(65_537)).expect(2);
    let argument = place.run(&["secret", "set", "openai", KEY]).expect(2);
    assert!(argument.err.contains("unexpected argument"), "{}", argument.err);
    assert!(!file(&place).exists());
    let homeless = {
        let mut command = place.command(&["secret", "list"]);
        command.env_remove("HOME").env_remove("XDG_DATA_HOME");
        Done::of(&command.output().expect("the binary runs")).expect(2)
    };
    assert!(homeless.err.contains("LARGESTACK_HOME"), "{}", homeless.err);
}

#[test]
fn a_key_is_our_variable_then_the_vendors_then_the_stores() {
    let place = Place::new();
    let (ours, vendors) = (("LARGESTACK_OPENAI_API_KEY", "a"), ("OPENAI_API_KEY", "b"));
    assert_eq!(key_of_openai(&place, &[]), ("missing".to_owned(), None));
    set(&place, "openai", KEY).expect(0);
    let set = |source: &str| ("set".to_owned(), Some(source.to_owned()));
    assert_eq!(key_of_openai(&place, &[ours, vendors]), set("LARGESTACK_OPENAI_API_KEY"));
    assert_eq!(key_of_openai(&place, &[vendors]), set("OPENAI_API_KEY"));
    assert_eq!(key_of_openai(&place, &[]), set("the secret store"));
    assert_eq!(key_of_openai(&place, &[("OPENAI_API_KEY", "")]), set("the secret store"));
}

#[test]
fn a_model_that_is_chosen_by_its_key_is_chosen_by_one_in_the_store_too() {
    let place = Place::new();
    place.write("agent.yaml", "name: a\ninstructions: Help.\n");
    let model = || {
        let document = place.run(&["config", "explain", ".", "--json"]).expect(0).json();
        let values = document.to_string();
        (values.contains("offline/extractive"), values.contains("secret store"))
    };
    assert_eq!(model(), (true, false));
    set(&place, "openai", KEY).expect(0);
    assert_eq!(model(), (false, true));
}

#[test]
fn where_the_store_does_not_open_no_model_is_chosen_by_the_keys_there_are() {
    let place = Place::new();
    place.write("agent.yaml", "name: a\ninstructions: Help.\n");
    place.write("named/agent.yaml", "name: a\ninstructions: Help.\nmodel: offline/extractive\n");
    set(&place, "openai", KEY).expect(0);
    std::fs::write(file(&place), "sk-in-clear").expect("written");
    for verb in [&["config", "explain", "."][..], &["run", ".", "Hello?"], &["check", "."]] {
        let refused = ran(&place, verb, &[]);
        assert_ne!(refused.code, 0, "{verb:?}: {}", refused.out);
        let said = format!("{}{}", refused.out, refused.err);
        assert!(said.contains("secrets.sealed") && !said.contains("sk-in-clear"), "{said}");
    }
    // A variable decides before the store is asked, and whoever names a model asks for no key.
    ran(&place, &["config", "explain", "."], &[("OPENAI_API_KEY", "b")]).expect(0);
    ran(&place, &["config", "explain", "named"], &[]).expect(0);
}

#[test]
fn the_doctor_says_what_a_store_is_worth_and_what_is_wrong_with_it() {
    let place = Place::new();
    let doctor = || place.run(&["doctor", "--json"]);
    let check = |done: &Done| {
        let checks = done.json()["checks"].as_array().expect("checks").clone();
        checks.into_iter().find(|check| check["name"] == "secrets")
    };
    assert_eq!(check(&doctor()), None, "nothing was ever kept");
    set(&place, "openai", KEY).expect(0);
    let done = doctor().expect(0);
    let found = check(&done).expect("a check");
    assert_eq!(found["finding"], "ok", "{found}");
    assert!(found["detail"].as_str().expect("text").starts_with("1 secret in "), "{found}");
    assert!(done.out.contains("openai (the secret store)"), "{}", done.out);
    std::fs::write(file(&place), "sk-in-clear").expect("written");
    let done = doctor().expect(1);
    let found = check(&done).expect("a check");
    assert_eq!(found["finding"], "broken", "{found}");
    assert!(!done.out.contains("sk-in-clear"), "{}", done.out);
}

fn project(place: &Place, upstream: &Upstream) {
    let url = upstream.url();
    place.write("largestack.yaml", format!("providers: {{openai: {{base-url: \"{url}\"}}}}\n"));
}

async fn checked(place: &Place) -> Done {
    let mut command = place.command(&["providers", "check", "openai/gpt-4o-mini", "--json"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    Done::of(&output.expect("a thread").expect("the binary runs"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_goes_out_with_the_key_of_the_store_and_nothing_shows_it() {
    let upstream = Upstream::answering(|_| ChatReply::text("ready").into()).await;
    let upstream = upstream.expect("a server");
    let place = Place::new();
    project(&place, &upstream);
    set(&place, "openai", KEY).expect(0);
    let done = checked(&place).await.expect(0);
    assert_eq!(done.json()["key_source"], "the secret store");
    let request = &upstream.requests()[0];
    assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}")));
    assert!(!done.out.contains(KEY) && !done.err.contains(KEY));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_does_not_open_is_said_to_and_nobody_is_asked() {
    let upstream = Upstream::answering(|_| Answer::error(500, "asked")).await.expect("a server");
    let place = Place::new();
    project(&place, &upstream);
    set(&place, "openai", KEY).expect(0);
    std::fs::write(file(&place).with_extension("key"), "00".repeat(32)).expect("written");
    let done = checked(&place).await.expect(8);
    assert!(done.out.contains("holds another key"), "{}", done.out);
    assert!(upstream.requests().is_empty());
}

#[cfg(unix)]
mod terminal {
    use std::fs::File;
    use std::io::{Read as _, Write as _};
    use std::process::Stdio;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::{KEY, Place, key_of_openai};

    /// A terminal: the end that a person sits at, and the end for a program.
    fn terminal() -> (File, File) {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&person).expect("granted");
        unlockpt(&person).expect("unlocked");
        let name = ptsname(&person, Vec::new()).expect("a name");
        let path = name.to_str().expect("a path");
        let program = File::options().read(true).write(true).open(path).expect("opened");
        (File::from(person), program)
    }

    /// Types this when it is asked for, and returns what the screen shows, and the exit code.
    fn typed(place: &Place, keys: &str) -> (String, i32) {
        let (mut person, program) = terminal();
        let mut command = place.command(&["secret", "set", "openai"]);
        let screen = || Stdio::from(program.try_clone().expect("another handle"));
        let mut child = command
            .stdin(screen())
            .stdout(screen())
            .stderr(screen())
            .spawn()
            .expect("the binary starts");
        drop(command);
        drop(program);
        let mut shown = String::new();
        let mut bytes = [0; 256];
        let mut typed = false;
        // The screen is gone when the program is.
        while let Ok(count @ 1..) = person.read(&mut bytes) {
            shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
            if shown.contains("not shown") && !typed {
                typed = true;
                person.write_all(keys.as_bytes()).expect("typed");
            }
        }
        (shown, child.wait().expect("it ends").code().unwrap_or(-1))
    }

    #[test]
    fn a_key_that_is_typed_is_not_shown() {
        let place = Place::new();
        let (shown, code) = typed(&place, &format!("{KEY}\r"));
        assert_eq!(code, 0, "{shown}");
        assert!(!shown.contains("sk-"), "{shown}");
        let kept = ("set".to_owned(), Some("the secret store".to_owned()));
        assert_eq!(key_of_openai(&place, &[]), kept);
    }

    #[test]
    fn a_key_that_is_given_up_changes_nothing() {
        let place = Place::new();
        let (shown, code) = typed(&place, "sk-half\u{3}");
        assert_eq!(code, 130, "{shown}");
        assert!(!shown.contains("sk-half"), "{shown}");
        assert_eq!(key_of_openai(&place, &[]).0, "missing");
    }
}
