//! The laws of sessions, whatever journal keeps them. Each function is one law and panics where it
//! does not hold; a form runs them all with [`all`].
#![expect(clippy::unwrap_used, clippy::panic, reason = "a law that does not hold fails its test")]

use std::sync::Arc;
use std::time::Duration;

use largestack_engine::event::{DoubtDecision, DoubtSettled};
use largestack_engine::{Event, Recorded};
use largestack_ports::clock::{Clock as _, FakeClock};
use largestack_ports::journal::{Batch, Journal, Lease};
use largestack_ports::sessions::{
    Conversation, Digest, Exchange, IfAbsent, Remembered, SessionKey, Sessions,
};
use largestack_types::errors::{Code, Coded as _};
use largestack_types::id::{EffectId, OwnerId, RunId, SessionId};
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::PartId;
use largestack_types::scope::{Scope, TenantId};

/// A form of the journal, by this clock.
pub type Form = (Arc<dyn Journal>, FakeClock);

type Forms<'a> = &'a dyn Fn() -> Form;

/// Every law, each over a journal of its own.
pub async fn all(forms: Forms<'_>) {
    what_is_said_is_loaded_in_order_and_counted(forms()).await;
    a_session_is_made_once_and_forgotten_with_all_that_was_said(forms()).await;
    users_and_tenants_never_see_each_others_turns(forms()).await;
    a_time_to_live_has_two_sides_and_begins_anew_with_each_run(forms()).await;
    what_is_over_is_pruned_and_counted(forms()).await;
    a_batch_that_is_refused_leaves_nothing(forms()).await;
    a_run_that_ends_twice_is_remembered_once(forms()).await;
    the_newest_are_listed_first(forms()).await;
    one_run_at_a_time_speaks_in_a_session(forms()).await;
    a_session_is_not_forgotten_while_a_run_speaks_in_it(forms()).await;
    a_session_made_anew_takes_nothing_from_who_held_the_former_one(forms()).await;
    a_summary_stands_beside_what_it_sums_up(forms()).await;
    a_conversation_that_is_taken_in_reads_as_it_was(forms()).await;
    a_name_is_always_the_same_session_and_has_bounds(forms()).await;
}

fn scope(tenant: &str, user: &str) -> Scope {
    Scope::authenticated(TenantId::new(tenant).unwrap(), user)
}

fn key(number: u128) -> SessionKey {
    id(number).into()
}

const fn id(number: u128) -> SessionId {
    SessionId::from_u128(number)
}

fn kept(journal: &dyn Journal) -> &dyn Sessions {
    journal.sessions().unwrap_or_else(|| panic!("no sessions"))
}

fn event(seq: u64, clock: &FakeClock) -> Recorded {
    let (decision, by) = (DoubtDecision::Fail, "suite".into());
    let event = Event::DoubtSettled(DoubtSettled { effect: EffectId::INPUT, decision, by });
    Recorded { seq, at: clock.now(), event: Arc::new(event) }
}

fn exchange(run: u128, said: &str, clock: &FakeClock) -> Exchange {
    let messages = vec![Arc::new(Message::user(PartId::new(0, 1), said))];
    Exchange { run: RunId::from_u128(run), at: clock.now(), messages }
}

fn leaves(session: u128, exchange: Exchange) -> Remembered {
    Remembered { session: id(session), exchange: Some(exchange), digest: None }
}

async fn claim(journal: &dyn Journal, scope: &Scope, run: u128) -> Lease {
    journal.claim(scope, RunId::from_u128(run), OwnerId::from_u128(1)).await.unwrap()
}

/// A run that holds the session, and what it was told.
async fn speaks(form: &Form, scope: &Scope, session: u128, run: u128) -> Lease {
    let lease = claim(&*form.0, scope, run).await;
    kept(&*form.0).hold(&lease, &key(session), IfAbsent::Make(None)).await.unwrap().unwrap();
    lease
}

/// A run of the session that says one thing.
async fn say(form: &Form, scope: &Scope, session: u128, run: u128, said: &str) {
    let (journal, clock) = form;
    let lease = speaks(form, scope, session, run).await;
    let memory = Some(leaves(session, exchange(run, said, clock)));
    let events = vec![event(1, clock)];
    journal.append(&lease, Batch { events, memory, ..Batch::default() }).unwrap();
    journal.durable().await.unwrap();
    journal.release(&lease).await.unwrap();
}

/// What was said, `None` where there is no session.
async fn heard(form: &Form, scope: &Scope, session: u128) -> Option<Vec<String>> {
    let said = kept(&*form.0).load(scope, id(session)).await.unwrap()?;
    Some(texts(&said))
}

fn texts(said: &Conversation) -> Vec<String> {
    let messages = said.exchanges.iter().flat_map(|exchange| &exchange.messages);
    messages.map(|message| message.text()).collect()
}

async fn what_is_said_is_loaded_in_order_and_counted(form: Form) {
    let ann = scope("acme", "ann");
    let made = kept(&*form.0).create(&ann, &key(1), None).await.unwrap();
    assert_eq!((made.id, made.exchanges, made.ttl), (id(1), 0, None));
    assert_eq!(heard(&form, &ann, 1).await.unwrap(), Vec::<String>::new());
    for (run, said) in [(9, "one"), (3, "two"), (5, "three")] {
        form.1.advance(Duration::from_secs(1));
        say(&form, &ann, 1, run, said).await;
    }
    assert_eq!(heard(&form, &ann, 1).await.unwrap(), ["one", "two", "three"]);
    let said = kept(&*form.0).load(&ann, id(1)).await.unwrap().unwrap();
    assert_eq!((said.session.exchanges, said.session.updated), (3, form.1.now()));
    assert_eq!(said.session.created, made.created);
    let last = said.exchanges.last().unwrap();
    assert_eq!((last.run, last.at), (RunId::from_u128(5), form.1.now()));
}

async fn a_session_is_made_once_and_forgotten_with_all_that_was_said(form: Form) {
    let ann = scope("acme", "ann");
    let sessions = kept(&*form.0);
    sessions.create(&ann, &key(1), None).await.unwrap();
    let again = sessions.create(&ann, &key(1), None).await.unwrap_err();
    assert_eq!(again.code(), Code::Conflict);
    say(&form, &ann, 1, 1, "one").await;
    // A run that waits for something speaks no more.
    form.0.release(&speaks(&form, &ann, 1, 2).await).await.unwrap();
    assert!(sessions.delete(&ann, id(1)).await.unwrap());
    assert!(!sessions.delete(&ann, id(1)).await.unwrap());
    assert_eq!(heard(&form, &ann, 1).await, None);
    // Taken up again, it does not bring it back, and keeps its own journal.
    let lease = claim(&*form.0, &ann, 2).await;
    let memory = Some(leaves(1, exchange(2, "two", &form.1)));
    let events = vec![event(1, &form.1)];
    form.0.append(&lease, Batch { events, memory, ..Batch::default() }).unwrap();
    assert_eq!(heard(&form, &ann, 1).await, None);
    assert_eq!(form.0.read(&ann, RunId::from_u128(2), 0).await.unwrap().len(), 1);
    let gone = sessions.hold(&lease, &key(1), IfAbsent::Leave).await.unwrap();
    assert!(gone.is_none(), "a run that is taken up again does not make it either");
    sessions.create(&ann, &key(1), None).await.unwrap();
    assert_eq!(heard(&form, &ann, 1).await.unwrap(), Vec::<String>::new());
}

async fn users_and_tenants_never_see_each_others_turns(form: Form) {
    let people = [scope("acme", "ann"), scope("acme", "bob"), scope("other", "ann")];
    for (run, person) in (1..).zip(&people) {
        assert_eq!(heard(&form, person, 1).await, None);
        say(&form, person, 1, run, &format!("{} {run}", person.principal())).await;
    }
    for (run, person) in (1..).zip(&people) {
        let said = format!("{} {run}", person.principal());
        assert_eq!(heard(&form, person, 1).await.unwrap(), [said]);
        assert_eq!(kept(&*form.0).list(person, 10).await.unwrap().len(), 1);
    }
    let [ann, bob, other] = &people;
    // The same name and the same id, at the same time: nobody waits for anybody else.
    let ours = speaks(&form, ann, 1, 10).await;
    let theirs = speaks(&form, bob, 1, 11).await;
    let third = speaks(&form, other, 1, 12).await;
    for lease in [ours, theirs, third] {
        form.0.release(&lease).await.unwrap();
    }
    assert!(kept(&*form.0).delete(ann, id(1)).await.unwrap());
    assert_eq!(heard(&form, bob, 1).await.unwrap(), ["bob 2"]);
    assert_eq!(heard(&form, other, 1).await.unwrap(), ["ann 3"]);
}

async fn a_time_to_live_has_two_sides_and_begins_anew_with_each_run(form: Form) {
    let ann = scope("acme", "ann");
    let (sessions, clock) = (kept(&*form.0), &form.1);
    let hour = Duration::from_hours(1);
    let just_before = hour.checked_sub(Duration::from_micros(1)).unwrap();
    let made = sessions.create(&ann, &key(1), Some(hour)).await.unwrap();
    assert_eq!(made.expires(), Some(clock.now().plus(hour)));
    for run in 1..=3 {
        clock.advance(just_before);
        assert!(heard(&form, &ann, 1).await.is_some());
        say(&form, &ann, 1, run, "still here").await;
    }
    clock.advance(just_before);
    assert_eq!(sessions.list(&ann, 10).await.unwrap().len(), 1);
    clock.advance(Duration::from_micros(1));
    assert_eq!(heard(&form, &ann, 1).await, None);
    assert_eq!(sessions.list(&ann, 10).await.unwrap(), []);
    // Under the same name a new one begins.
    let lease = claim(&*form.0, &ann, 9).await;
    let new = sessions.hold(&lease, &key(1), IfAbsent::Make(None)).await.unwrap().unwrap();
    assert_eq!((new.made, new.said.exchanges.len(), new.said.session.ttl), (true, 0, None));
    clock.advance(hour * 100_000);
    assert!(heard(&form, &ann, 1).await.is_some(), "kept for ever");
}

async fn what_is_over_is_pruned_and_counted(form: Form) {
    let (ann, bob) = (scope("acme", "ann"), scope("acme", "bob"));
    let (sessions, hour) = (kept(&*form.0), Duration::from_hours(1));
    for (person, number, ttl) in
        [(&ann, 1, Some(hour)), (&bob, 1, Some(hour)), (&ann, 2, Some(hour * 2)), (&ann, 3, None)]
    {
        sessions.create(person, &key(number), ttl).await.unwrap();
    }
    assert_eq!(sessions.prune(&ann).await.unwrap(), 0);
    form.1.advance(hour);
    assert_eq!(sessions.prune(&ann).await.unwrap(), 2);
    assert_eq!(sessions.prune(&ann).await.unwrap(), 0);
    assert_eq!(sessions.list(&ann, 10).await.unwrap().len(), 2);
}

async fn a_batch_that_is_refused_leaves_nothing(form: Form) {
    let ann = scope("acme", "ann");
    let lease = speaks(&form, &ann, 1, 1).await;
    let memory = || Some(leaves(1, exchange(1, "lost", &form.1)));
    let gap = Batch { events: vec![event(2, &form.1)], memory: memory(), ..Batch::default() };
    assert_eq!(form.0.append(&lease, gap).unwrap_err().code(), Code::Conflict);
    let _next = claim(&*form.0, &ann, 1).await;
    let late = Batch { events: vec![event(1, &form.1)], memory: memory(), ..Batch::default() };
    assert_eq!(form.0.append(&lease, late).unwrap_err().code(), Code::Conflict);
    assert_eq!(heard(&form, &ann, 1).await.unwrap(), Vec::<String>::new());
}

async fn a_run_that_ends_twice_is_remembered_once(form: Form) {
    let ann = scope("acme", "ann");
    let lease = speaks(&form, &ann, 1, 1).await;
    for (seq, said) in [(1, "first"), (2, "at last")] {
        let memory = Some(leaves(1, exchange(1, said, &form.1)));
        let events = vec![event(seq, &form.1)];
        form.0.append(&lease, Batch { events, memory, ..Batch::default() }).unwrap();
    }
    assert_eq!(heard(&form, &ann, 1).await.unwrap(), ["at last"]);
}

async fn the_newest_are_listed_first(form: Form) {
    let ann = scope("acme", "ann");
    for number in [2, 1, 3] {
        form.1.advance(Duration::from_secs(1));
        kept(&*form.0).create(&ann, &key(number), None).await.unwrap();
    }
    form.1.advance(Duration::from_secs(1));
    say(&form, &ann, 1, 1, "again").await;
    let list = async |limit| {
        let sessions = kept(&*form.0).list(&ann, limit).await.unwrap();
        sessions.into_iter().map(|session| session.id).collect::<Vec<_>>()
    };
    assert_eq!(list(10).await, [id(1), id(3), id(2)]);
    assert_eq!(list(2).await, [id(1), id(3)]);
    assert!(list(0).await.is_empty());
}

async fn one_run_at_a_time_speaks_in_a_session(form: Form) {
    let ann = scope("acme", "ann");
    let sessions = kept(&*form.0);
    let first = speaks(&form, &ann, 1, 1).await;
    let second = claim(&*form.0, &ann, 2).await;
    let refused = sessions.hold(&second, &key(1), IfAbsent::Make(None)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Conflict);
    assert!(refused.retryable());
    assert!(refused.message().contains(&RunId::from_u128(1).to_string()), "{refused}");
    // Whoever does not hold it adds nothing to it.
    let memory = Some(leaves(1, exchange(2, "in between", &form.1)));
    let events = vec![event(1, &form.1)];
    form.0.append(&second, Batch { events, memory, ..Batch::default() }).unwrap();
    // The first may take it once more: it was taken up again.
    assert!(sessions.hold(&first, &key(1), IfAbsent::Leave).await.unwrap().is_some());
    let memory = Some(leaves(1, exchange(1, "first", &form.1)));
    let events = vec![event(1, &form.1)];
    form.0.append(&first, Batch { events, memory, ..Batch::default() }).unwrap();
    form.0.release(&first).await.unwrap();
    let told = sessions.hold(&second, &key(1), IfAbsent::Make(None)).await.unwrap().unwrap();
    assert_eq!((texts(&told.said), told.made), (vec!["first".to_owned()], false));
}

async fn a_session_is_not_forgotten_while_a_run_speaks_in_it(form: Form) {
    let ann = scope("acme", "ann");
    let (sessions, hour) = (kept(&*form.0), Duration::from_hours(1));
    sessions.create(&ann, &key(1), Some(hour)).await.unwrap();
    let lease = speaks(&form, &ann, 1, 1).await;
    let spoken = RunId::from_u128(1).to_string();
    let refused = sessions.delete(&ann, id(1)).await.unwrap_err();
    assert_eq!((refused.code(), refused.retryable()), (Code::Conflict, true));
    assert!(refused.message().contains(&spoken), "{refused}");
    // Nor when its time is over: it is neither told nor listed, and another run waits.
    form.1.advance(hour);
    assert_eq!(sessions.prune(&ann).await.unwrap(), 0);
    assert_eq!(heard(&form, &ann, 1).await, None);
    assert!(sessions.list(&ann, 9).await.unwrap().is_empty());
    let other = claim(&*form.0, &ann, 2).await;
    let refused = sessions.hold(&other, &key(1), IfAbsent::Make(None)).await.unwrap_err();
    assert!(refused.message().contains(&spoken), "{refused}");
    // What the run leaves is the last that was said, from when it counts.
    let memory = Some(leaves(1, exchange(1, "late", &form.1)));
    let events = vec![event(1, &form.1)];
    form.0.append(&lease, Batch { events, memory, ..Batch::default() }).unwrap();
    form.0.release(&lease).await.unwrap();
    assert_eq!(heard(&form, &ann, 1).await.unwrap(), ["late"]);
    assert!(sessions.delete(&ann, id(1)).await.unwrap());
}

async fn a_session_made_anew_takes_nothing_from_who_held_the_former_one(form: Form) {
    let ann = scope("acme", "ann");
    let sessions = kept(&*form.0);
    form.0.release(&speaks(&form, &ann, 1, 1).await).await.unwrap();
    assert!(sessions.delete(&ann, id(1)).await.unwrap());
    say(&form, &ann, 1, 2, "anew").await;
    let former = claim(&*form.0, &ann, 1).await;
    let memory = Some(leaves(1, exchange(1, "of the former", &form.1)));
    let events = vec![event(1, &form.1)];
    form.0.append(&former, Batch { events, memory, ..Batch::default() }).unwrap();
    assert_eq!(heard(&form, &ann, 1).await.unwrap(), ["anew"]);
}

fn digest(through: u128, text: &str) -> Digest {
    let label = Label::from_origin(Origin::Memory);
    let message = Message::of_text(Role::User, PartId::new(1, 0), label, text);
    Digest { through: RunId::from_u128(through), message: Arc::new(message) }
}

async fn a_summary_stands_beside_what_it_sums_up(form: Form) {
    let ann = scope("acme", "ann");
    for (run, said) in [(1, "one"), (2, "two"), (3, "three")] {
        say(&form, &ann, 1, run, said).await;
    }
    let lease = speaks(&form, &ann, 1, 4).await;
    for (seq, through) in [(1, 1), (2, 2)] {
        let digest = Some(digest(through, "in short"));
        let memory = Some(Remembered { session: id(1), exchange: None, digest });
        let events = vec![event(seq, &form.1)];
        form.0.append(&lease, Batch { events, memory, ..Batch::default() }).unwrap();
    }
    let said = kept(&*form.0).load(&ann, id(1)).await.unwrap().unwrap();
    assert_eq!(texts(&said), ["one", "two", "three"]);
    assert_eq!(said.digest, Some(digest(2, "in short")));
    let after: Vec<_> = said.after_digest().iter().map(|exchange| exchange.run).collect();
    assert_eq!(after, [RunId::from_u128(3)]);
}

async fn a_conversation_that_is_taken_in_reads_as_it_was(form: Form) {
    let (ann, bob) = (scope("acme", "ann"), scope("acme", "bob"));
    say(&form, &ann, 1, 1, "one").await;
    say(&form, &ann, 1, 2, "two").await;
    let sessions = kept(&*form.0);
    let mut said = sessions.load(&ann, id(1)).await.unwrap().unwrap();
    said.digest = Some(digest(1, "in short"));
    assert_eq!(sessions.take_in(&ann, said.clone()).await.unwrap_err().code(), Code::Conflict);
    form.1.advance(Duration::from_secs(1));
    assert_eq!(sessions.take_in(&bob, said.clone()).await.unwrap(), said.session);
    assert_eq!(sessions.load(&bob, id(1)).await.unwrap().unwrap(), said);
}

async fn a_name_is_always_the_same_session_and_has_bounds(form: Form) {
    let ann = scope("acme", "ann");
    let sessions = kept(&*form.0);
    let named = SessionKey::from("holiday");
    assert_eq!(named, SessionKey::from("holiday".to_owned()));
    assert_ne!(named.id(), SessionKey::from("Holiday").id());
    assert_eq!(SessionKey::from(id(5).to_string()), key(5));
    let made = sessions.create(&ann, &named, None).await.unwrap();
    assert_eq!((made.name.as_deref(), made.id), (Some("holiday"), named.id()));
    assert_eq!(sessions.load(&ann, named.id()).await.unwrap().unwrap().session, made);
    assert_eq!(sessions.list(&ann, 1).await.unwrap(), [made]);
    let longest = SessionKey::from("x".repeat(200));
    sessions.create(&ann, &longest, None).await.unwrap();
    let lease = claim(&*form.0, &ann, 1).await;
    for bad in [String::new(), "  ".into(), "two\nlines".into(), "x".repeat(201)] {
        let error = sessions.create(&ann, &bad.clone().into(), None).await.unwrap_err();
        assert_eq!(error.code(), Code::Input, "{bad}");
        let error = sessions.hold(&lease, &bad.into(), IfAbsent::Make(None)).await.unwrap_err();
        assert_eq!(error.code(), Code::Input);
    }
}
