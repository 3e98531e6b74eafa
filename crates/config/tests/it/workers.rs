//! Whose calls a worker of Restate obeys: whoever signs them, or whoever is on this machine.

use largestack_config::{Engine, Error, Flags, Restate};
use largestack_types::error::Coded;
use largestack_types::errors::Code;

use crate::support::{folder, project};

/// Where Restate is, by a file and flags.
fn restate(engine: &str, keys: &str, flags: &Flags) -> Result<Restate, Error> {
    let file = format!("worker:\n  engine: {engine}\n  restate: {{{keys}}}\n");
    let folder = folder([("largestack.yaml", &*file)]);
    let workers = project(folder.path(), &[], flags)?.project.workers;
    assert_eq!(workers.engine == Engine::Restate, engine == "restate");
    Ok(workers.restate)
}

const OPEN: [&str; 4] = ["0.0.0.0:9080", "[::]:9080", "192.0.2.1:9080", "[::ffff:192.0.2.1]:9080"];
const LOOPBACK: [&str; 4] =
    ["127.0.0.1:9080", "127.9.9.9:9080", "[::1]:9080", "[::ffff:127.0.0.1]:9080"];

#[test]
fn a_worker_that_others_reach_and_that_knows_no_key_is_refused() {
    for listen in OPEN {
        let error = restate("restate", &format!("listen: '{listen}'"), &Flags::new()).unwrap_err();
        assert_eq!(error.code(), Code::Config, "{listen}");
        let message = error.message();
        assert!(message.contains("largestack.yaml:3"), "{message}");
        assert!(message.contains("`worker.restate.listen`"), "{message}");
        assert!(message.contains(listen), "{message}");
        let advice = error.suggestion();
        assert!(advice.contains("`worker.restate.identity_key`"), "{advice}");
        assert!(advice.contains("`worker.restate.unsigned: true`"), "{advice}");
        let keys = format!("listen: '{listen}', unsigned: false");
        assert!(restate("restate", &keys, &Flags::new()).is_err(), "{listen}");
    }
}

#[test]
fn a_flag_opens_a_worker_no_more_than_a_file_does() {
    let flags = Flags::new().set("worker.restate.listen", "--listen", "0.0.0.0:9080");
    let error = restate("restate", "listen: '127.0.0.1:9080'", &flags).unwrap_err();
    assert!(error.message().contains("--listen"), "{}", error.message());
    let signed = restate("restate", "identity_key: publickeyv1_a", &flags).unwrap();
    assert_eq!(&*signed.listen, "0.0.0.0:9080");
    let flags = Flags::new().set("worker.engine", "--engine", "restate");
    let file = folder([("largestack.yaml", "worker: {restate: {listen: '0.0.0.0:9080'}}\n")]);
    assert!(project(file.path(), &[], &flags).is_err());
}

#[test]
fn a_worker_listens_on_the_loopback_or_where_calls_are_signed_or_said_not_to_be() {
    for listen in LOOPBACK {
        let at = restate("restate", &format!("listen: '{listen}'"), &Flags::new()).unwrap();
        assert_eq!(&*at.listen, listen);
    }
    for listen in OPEN {
        for keys in ["identity_key: publickeyv1_a", "unsigned: true"] {
            let keys = format!("listen: '{listen}', {keys}");
            let at = restate("restate", &keys, &Flags::new()).unwrap();
            assert_eq!((&*at.listen, at.unsigned), (listen, at.identity_key.is_none()), "{keys}");
        }
        // Nobody listens there.
        restate("store", &format!("listen: '{listen}'"), &Flags::new()).unwrap();
    }
}
