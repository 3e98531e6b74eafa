use largestack_ports::ids::CountingIds;
use largestack_types::errors::Coded as _;

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey { name: name.into(), seed: [seed; 32] }
}

fn envelope(key: &SigningKey) -> Envelope {
    let data = Json::parse(r#"{"amount":3}"#).unwrap();
    let said = (RunId::from_u128(7), "paid".into(), data);
    key.sign(said, NOW, &CountingIds::default()).unwrap()
}

fn trust(key: &SigningKey) -> Trust {
    let keys = BTreeMap::from([(Arc::clone(key.name()), key.public().unwrap())]);
    Trust { keys, ..Trust::default() }
}

fn why(checked: Result<()>) -> String {
    let error = checked.unwrap_err();
    assert_eq!(error.code(), Code::Signature);
    error.message()
}

#[test]
fn a_seed_has_the_public_key_and_the_signature_of_the_published_vector() {
    // RFC 8032, section 7.1, test 1: the empty message.
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let key = SigningKey::parse(&format!("rfc {seed}\n")).unwrap();
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    assert_eq!(hex::encode(key.public().unwrap().0), public);
    let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33\
bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
    assert_eq!(hex::encode(key.pair().unwrap().sign(b"").as_ref()), signature);
}

#[test]
fn an_event_is_taken_as_it_was_signed_and_not_when_anything_of_it_has_changed() {
    let key = key("shop", 1);
    let (good, trust) = (envelope(&key), trust(&key));
    trust.check(&good, NOW).unwrap();
    let data = Json::parse(r#"{"amount":4}"#).unwrap();
    let other = |change: &dyn Fn(&mut Envelope)| {
        let mut changed = good.clone();
        change(&mut changed);
        changed
    };
    let later = NOW.plus(Duration::from_micros(1));
    for changed in [
        other(&|e| e.run = RunId::from_u128(8)),
        other(&|e| e.name = "sent".into()),
        other(&|e| e.data = data.clone()),
        other(&|e| e.nonce = "00".repeat(16).into()),
        other(&|e| e.sent = later),
        other(&|e| e.signature = "".into()),
        other(&|e| e.signature = "no base64!".into()),
    ] {
        assert!(why(trust.check(&changed, NOW)).contains("not that of this event"), "{changed:?}");
    }
    // The parts are signed with their lengths: what stands in one cannot move to its neighbour.
    let moved = other(&|e| (e.name, e.key) = ("pai".into(), "dshop".into()));
    why(trust.check(&moved, NOW));
}

#[test]
fn a_key_that_nobody_knows_and_one_under_anothers_name_are_refused() {
    let (shop, eve) = (key("shop", 1), key("shop", 2));
    assert!(why(Trust::default().check(&envelope(&shop), NOW)).contains("nobody here knows"));
    assert!(why(trust(&shop).check(&envelope(&eve), NOW)).contains("not that of this event"));
}

#[test]
fn an_event_is_as_old_as_it_may_be_and_as_far_ahead_and_no_more() {
    let key = key("shop", 1);
    let (good, trust) = (envelope(&key), trust(&key));
    let micro = Duration::from_micros(1);
    trust.check(&good, NOW.plus(MAX_AGE)).unwrap();
    assert!(why(trust.check(&good, NOW.plus(MAX_AGE + micro))).contains("s is the most"));
    let before = |by: Duration| {
        Timestamp::from_micros(NOW.micros() - i64::try_from(by.as_micros()).unwrap())
    };
    trust.check(&good, before(MAX_AHEAD)).unwrap();
    assert!(why(trust.check(&good, before(MAX_AHEAD + micro))).contains("in the future"));
}

#[test]
fn an_unsigned_event_is_taken_unless_signatures_are_asked_for() {
    Trust::default().check_unsigned().unwrap();
    let require = Trust { require: true, ..Trust::default() };
    assert!(why(require.check_unsigned()).contains("not signed"));
}

#[test]
fn a_key_is_read_as_it_was_written_and_shows_itself_nowhere_else() {
    let key = key("shop", 9);
    let read = SigningKey::parse(&format!("{}\n", key.expose())).unwrap();
    assert_eq!(read.public().unwrap(), key.public().unwrap());
    assert!(!format!("{key:?}").contains("0909"), "{key:?}");
    for wrong in ["", "shop", "shop 12", " 12", "a b 12"] {
        assert!(SigningKey::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn an_envelope_reads_back_from_its_json_and_the_same_one_is_the_same_event() {
    let good = envelope(&key("shop", 1));
    let text = serde_json::to_string(&good).unwrap();
    let read: Envelope = serde_json::from_str(&text).unwrap();
    assert_eq!(read, good);
    assert_eq!(read.signal(), good.signal());
    assert!(serde_json::from_str::<Envelope>(&text.replacen('{', r#"{"x":1,"#, 1)).is_err());
}

#[test]
fn the_same_signed_event_again_is_refused() {
    once(Sent::Kept).unwrap();
    assert!(why(once(Sent::Known)).contains("came before"));
}
