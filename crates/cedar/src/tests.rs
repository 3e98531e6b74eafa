use std::collections::BTreeSet;
use std::sync::Arc;

use largestack_ports::policies::{BoundTool, CallPolicies, Decided, Policies as _, PolicyCall};
use largestack_types::errors::Coded as _;
use largestack_types::json::Json;
use largestack_types::label::{DataClass, DataClasses, Label, Origin};
use largestack_types::money::Money;
use largestack_types::policy::Decision;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::tool::{Capabilities, Capability};

use crate::CedarPolicies;

const OPEN: &str = "permit(principal, action, resource);\n";

const PAY: &str = r##"{"type": "object", "required": ["amount", "to"], "properties": {
    "amount": {"type": "integer"}, "to": {"type": "string"}, "price": {"type": "number"},
    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "any": {},
    "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
    "place": {"type": "object", "required": ["zip"], "properties": {"zip": {"type": "string"}}}},
    "$defs": {"tag": {"enum": ["a", "b"]}}}"##;
const FETCH: &str =
    r#"{"type": "object", "required": ["url"], "properties": {"url": {"type": "string"}}}"#;

fn bound(text: &str) -> Result<Arc<dyn CallPolicies>, Vec<String>> {
    let read = CedarPolicies::parse([("p.cedar", text)]).map_err(|error| vec![error.message()])?;
    let tools: [(Arc<str>, Capabilities, Json); 3] = [
        ("pay".into(), [Capability::Pay].into(), Json::vouched(PAY)),
        ("fetch".into(), [Capability::Read, Capability::Egress].into(), Json::vouched(FETCH)),
        ("function".into(), BTreeSet::new(), Json::vouched(r#"{"type": "object"}"#)),
    ];
    let tools: Vec<BoundTool<'_>> =
        tools.iter().map(|(name, does, parameters)| BoundTool { name, does, parameters }).collect();
    read.bind(&tools)
}

/// What is wrong with policies.
fn wrong(text: &str) -> String {
    bound(text).err().unwrap_or_default().join("; ")
}

struct Asked {
    scope: Scope,
    tool: &'static str,
    arguments: Json,
    change: fn(&mut PolicyCall<'_>),
}

fn call(tool: &'static str, arguments: &str) -> Asked {
    let arguments = Json::vouched(arguments);
    Asked { scope: Scope::local(), tool, arguments, change: |_| {} }
}

impl Asked {
    fn with(self, change: fn(&mut PolicyCall<'_>)) -> Self {
        Self { change, ..self }
    }

    fn of(&self, policies: &str) -> Decided {
        let mut call = PolicyCall {
            scope: &self.scope,
            agent: "clerk",
            model: "test/model",
            tool: self.tool,
            arguments: &self.arguments,
            placeholders: DataClasses::EMPTY,
            label: Label::from_origin(Origin::User),
            untrusted: false,
            from_user: false,
            approved: false,
            cost: Money::from_nanos(0),
        };
        (self.change)(&mut call);
        bound(policies).unwrap_or_else(|wrong| panic!("{wrong:?}")).decide(&call)
    }

    fn is(&self, policies: &str) -> (Decision, Vec<String>) {
        let decided = self.of(policies);
        let named = decided.reasons.iter().map(|reason| reason.policy.to_string());
        (decided.decision, named.collect())
    }
}

fn pay(amount: &str) -> Asked {
    call("pay", &format!(r#"{{"amount": {amount}, "to": "anna"}}"#))
}

use Decision::{Allow, Refuse, RequireApproval};

fn by(decision: Decision, names: &[&str]) -> (Decision, Vec<String>) {
    (decision, names.iter().map(ToString::to_string).collect())
}

#[test]
fn what_no_policy_permits_is_refused_and_a_permit_names_itself() {
    let fetches = r#"permit(principal, action, resource in Capability::"egress");"#;
    assert_eq!(pay("1").is(fetches), by(Refuse, &["cedar.default"]));
    let fetch = call("fetch", r#"{"url": "https://example.com/"}"#);
    assert_eq!(fetch.is(fetches), by(Allow, &["cedar.p.cedar:1"]));
    assert_eq!(pay("1").is(OPEN), by(Allow, &["cedar.p.cedar:1"]));
    let undeclared =
        format!("{OPEN}forbid(principal, action, resource in Capability::\"undeclared\");");
    assert_eq!(call("function", "{}").is(&undeclared), by(Refuse, &["cedar.p.cedar:2"]));
    assert_eq!(pay("1").is(&undeclared).0, Allow);
}

#[test]
fn arguments_are_compared_exactly_at_their_limit() {
    let most = format!(
        "{OPEN}@id(\"most\") forbid(principal, action, resource == Tool::\"pay\")\n  \
         unless {{ context.arguments.amount <= 100 }};"
    );
    assert_eq!(pay("100").is(&most), by(Allow, &["cedar.p.cedar:1"]));
    assert_eq!(pay("1e2").is(&most).0, Allow);
    assert_eq!(pay("101").is(&most), by(Refuse, &["cedar.most"]));
    let price = format!(
        "{OPEN}forbid(principal, action, resource == Tool::\"pay\") when {{\n  \
         context.arguments has price && context.arguments.price.greaterThan(decimal(\"9.5\")) }};"
    );
    let priced =
        |price: &str| call("pay", &format!(r#"{{"amount": 1, "to": "anna", "price": {price}}}"#));
    assert_eq!(priced("9.5").is(&price).0, Allow);
    assert_eq!(priced("9").is(&price).0, Allow, "a whole number is a decimal, too");
    assert_eq!(priced("9.5001").is(&price).0, Refuse);
    assert_eq!(pay("1").is(&price).0, Allow, "nothing is said of a price");
    let nested = format!(
        "{OPEN}forbid(principal, action, resource == Tool::\"pay\") when {{\n  \
         context.arguments has place && context.arguments.place.zip == \"0150\" }};\n\
         forbid(principal, action, resource == Tool::\"pay\") when {{\n  \
         context.arguments has tags && context.arguments.tags.contains(\"b\") }};"
    );
    let more = |more: &str| call("pay", &format!(r#"{{"amount": 1, "to": "anna", {more}}}"#));
    assert_eq!(more(r#""place": {"zip": "0150"}"#).is(&nested).0, Refuse);
    assert_eq!(more(r#""place": {"zip": "5003"}"#).is(&nested).0, Allow);
    assert_eq!(more(r#""tags": ["a", "b"]"#).is(&nested).0, Refuse);
    assert_eq!(more(r#""tags": ["a"]"#).is(&nested).0, Allow);
}

#[test]
fn null_is_an_attribute_that_is_not_there() {
    let noted = format!(
        "{OPEN}forbid(principal, action, resource == Tool::\"pay\") when {{\n  \
         context.arguments has note && context.arguments.note like \"*urgent*\" }};"
    );
    let note =
        |note: &str| call("pay", &format!(r#"{{"amount": 1, "to": "anna", "note": {note}}}"#));
    assert_eq!(note("null").is(&noted).0, Allow);
    assert_eq!(note(r#""most urgent""#).is(&noted).0, Refuse);
}

#[test]
fn what_cannot_be_evaluated_refuses_and_says_so() {
    // Without this a `forbid` that fails would be left out, and the permit would decide.
    let limit = format!(
        "{OPEN}@id(\"limit\") forbid(principal, action, resource == Tool::\"pay\") when {{\n  \
         context.arguments.amount * 1000000 > 5000000000 }};"
    );
    assert_eq!(pay("5000").is(&limit).0, Allow);
    assert_eq!(pay("5001").is(&limit), by(Refuse, &["cedar.limit"]));
    let overflow = pay("90000000000000").of(&limit);
    assert_eq!(overflow.decision, Refuse);
    assert!(overflow.reasons.iter().any(|reason| reason.why.contains("grows too large")));
    // A number that Cedar has no value for is not rounded to where it would be let through.
    let price = format!(
        "{OPEN}forbid(principal, action, resource == Tool::\"pay\") when {{\n  \
         context.arguments has price && context.arguments.price.greaterThan(decimal(\"9.5\")) }};"
    );
    let long = call("pay", r#"{"amount": 1, "to": "anna", "price": 9.50000001}"#).of(&price);
    assert_eq!(long.decision, Refuse);
    assert!(long.reasons[0].why.contains("a number that Cedar cannot say"), "{long:?}");
    // Also a permit that fails, and one that asks.
    let text = "@id(\"text\") permit(principal, action, resource == Tool::\"pay\")\n\
                when { decimal(context.arguments.to).lessThan(decimal(\"1.0\")) };";
    assert_eq!(wrong(text).matches("p.cedar").count(), 1, "Cedar refuses it: {}", wrong(text));
    let asks = format!(
        "{OPEN}@id(\"asks\") @approval(\"\") forbid(principal, action, resource == Tool::\"pay\")\n\
         when {{ context.arguments.amount * 1000000 > 5 }};"
    );
    let (decision, named) = pay("9000000000000000").is(&asks);
    assert_eq!(decision, Refuse);
    assert!(named.contains(&"cedar.asks".to_owned()), "{named:?}");
}

#[test]
fn what_asks_a_person_opens_nothing_that_is_forbidden_or_not_permitted() {
    let asks = "@id(\"asks\") @approval(\"over 10\") forbid(principal, action, resource == Tool::\"pay\")\n\
                when { context.arguments.amount > 10 };";
    let open = format!("{OPEN}{asks}");
    assert_eq!(pay("10").is(&open).0, Allow);
    let asked = pay("11").of(&open);
    assert_eq!(asked.decision, RequireApproval);
    assert_eq!((&*asked.reasons[0].policy, &*asked.reasons[0].why), ("cedar.asks", "over 10"));
    assert_eq!(pay("11").is(asks), by(Refuse, &["cedar.default"]));
    let closed =
        format!("{open}\n@id(\"no\") forbid(principal, action, resource == Tool::\"pay\");");
    assert_eq!(pay("11").is(&closed), by(Refuse, &["cedar.no"]));
    let agreed = format!(
        "{open}\n@id(\"once\") @reason(\"never twice\") forbid(principal, action, resource)\n\
         when {{ context.approved && context.cost > 5 }};"
    );
    let approved = pay("11").with(|call| call.approved = true);
    assert_eq!(approved.is(&agreed).0, RequireApproval, "who has agreed lets it through");
    let dear = pay("11").with(|call| (call.approved, call.cost) = (true, Money::from_nanos(6)));
    let dear = dear.of(&agreed);
    assert_eq!((dear.decision, &*dear.reasons[0].why), (Refuse, "never twice"));
}

#[test]
fn labels_are_what_policies_may_look_at() {
    let egress = format!(
        "{OPEN}forbid(principal, action, resource in Capability::\"egress\")\n\
         when {{ context.origins.contains(Origin::\"web\") || context.untrusted }};\n\
         forbid(principal, action, resource) when {{ context.classes.contains(DataClass::\"health\")\n\
         || context.placeholders.contains(DataClass::\"card\") }};\n\
         forbid(principal, action, resource == Tool::\"pay\") unless {{ context.from_user }};"
    );
    let fetch = || call("fetch", r#"{"url": "https://example.com/"}"#);
    assert_eq!(fetch().is(&egress).0, Allow);
    let web = fetch().with(|call| call.label = Label::from_origin(Origin::Web));
    assert_eq!(web.is(&egress), by(Refuse, &["cedar.p.cedar:2"]));
    assert_eq!(fetch().with(|call| call.untrusted = true).is(&egress).0, Refuse);
    let health = fetch().with(|call| call.label = call.label.with_class(DataClass::Health));
    assert_eq!(health.is(&egress).0, Refuse);
    let card = fetch().with(|call| call.placeholders = DataClasses::of(DataClass::Card));
    assert_eq!(card.is(&egress).0, Refuse);
    assert_eq!(pay("1").is(&egress).0, Refuse);
    assert_eq!(pay("1").with(|call| call.from_user = true).is(&egress).0, Allow);
}

#[test]
fn a_user_is_one_of_a_tenant() {
    let acme = "permit(principal in Tenant::\"acme\", action, resource)\n\
                when { principal == User::\"anna\" || context.agent == \"desk\" };";
    let of = |tenant: &str, user: &str| {
        let tenant = TenantId::new(tenant).unwrap();
        Asked { scope: Scope::authenticated(tenant, user), ..pay("1") }.is(acme).0
    };
    assert_eq!(of("acme", "anna"), Allow);
    assert_eq!(of("other", "anna"), Refuse, "the same name in another tenant is somebody else");
    assert_eq!(of("acme", "bert"), Refuse);
}

#[test]
fn arguments_that_a_tool_may_read_otherwise_are_not_put_to_policies() {
    let twice = call("pay", r#"{"amount": 1000, "to": "anna", "amount": 1}"#).of(OPEN);
    assert_eq!((twice.decision, &*twice.reasons[0].policy), (Refuse, "cedar.arguments"));
    let deep = |levels: usize| {
        let any = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        call("pay", &format!(r#"{{"amount": 1, "to": "a", "any": {any}}}"#)).is(OPEN).0
    };
    assert_eq!((deep(63), deep(64)), (Allow, Refuse));
}

#[test]
fn what_is_not_there_is_an_error_with_its_place() {
    let places = [
        ("\n  forbid(principal, action, resource == Tool::\"pya\");", "p.cedar:2:3", "pay"),
        ("forbid(principal, action, resource in Capability::\"sned\");", "p.cedar:1:1", "send"),
        ("forbid(principal, action == Action::\"pay\", resource);", "p.cedar:1:1", "call"),
        (
            "forbid(principal, action, resource)\nwhen { context.origins.contains(Origin::\"wbe\") };",
            "p.cedar:1:1",
            "web",
        ),
        (
            "forbid(principal, action, resource == Tool::\"pay\")\nwhen { context.arguments.amuont > 1 };",
            "p.cedar:2:8",
            "amuont",
        ),
        (
            "forbid(principal, action, resource)\nwhen { context.model_name == \"\" };",
            "p.cedar:2:8",
            "model_name",
        ),
        ("forbid(principal is Admin, action, resource);", "p.cedar:1", "Admin"),
        (
            "forbid(principal, action, resource == Tool::\"pay\")\nwhen { context.arguments.amount > \"1\" };",
            "p.cedar:2",
            "Long",
        ),
        (
            "forbid(principal, action, resource == Tool::\"pay\")\nwhen { context.arguments.any == 1 };",
            "p.cedar:2",
            "any",
        ),
        // A price need not be said, so that looking at it could fail.
        (
            "forbid(principal, action, resource == Tool::\"pay\")\n\
             when { context.arguments.price == decimal(\"1.0\") };",
            "p.cedar:2",
            "has",
        ),
        // One that is silent about every call.
        (
            "forbid(principal, action, resource == Tool::\"pay\")\n\
             when { context.arguments has amuont && context.arguments.amuont > 1 };",
            "p.cedar:",
            "policy",
        ),
    ];
    for (policy, place, said) in places {
        let wrong = wrong(policy);
        assert!(wrong.contains(place) && wrong.contains(said), "{policy}: {wrong}");
    }
    let amount = "forbid(principal, action, resource) when { context.arguments has amount &&\n\
                  context.arguments.amount > 1 };";
    assert_eq!(wrong(amount), "", "what some tool is called with may be asked of all");
}

#[test]
fn files_that_cannot_be_meant_are_refused() {
    let refused = |files: &[(&str, &str)]| {
        let read = CedarPolicies::parse(files.iter().copied());
        read.err().map(|error| error.message()).unwrap_or_default()
    };
    assert!(
        refused(&[("a/p.cedar", "permit(principal, action, resource);\npermit(")])
            .contains("a/p.cedar:2")
    );
    assert!(refused(&[("p.cedar", "// nothing\n")]).contains("there is no policy"));
    let template = "permit(principal == ?principal, action, resource);";
    assert!(refused(&[("p.cedar", template)]).contains("template"));
    let asks = "@approval(\"?\") permit(principal, action, resource);";
    assert!(refused(&[("p.cedar", asks)]).contains("only a `forbid`"));
    let own = "@id(\"default\") permit(principal, action, resource);";
    assert!(refused(&[("p.cedar", own)]).contains("`default`"));
    let named = "\n@id(\"x\") permit(principal, action, resource);";
    let twice = refused(&[("a.cedar", named), ("b.cedar", named)]);
    assert!(twice.contains("b.cedar:2:1: `cedar.x` stands at a.cedar:2:1"), "{twice}");
    assert_eq!(refused(&[("a.cedar", OPEN), ("b.cedar", OPEN)]), "");
}

#[test]
fn a_hash_is_of_what_is_said() {
    let hash = |files: &[(&str, &str)]| CedarPolicies::parse(files.iter().copied()).unwrap().hash();
    assert_eq!(hash(&[("a/p.cedar", OPEN)]), hash(&[("b/p.cedar", OPEN)]));
    let other = "permit(principal, action, resource in Capability::\"read\");";
    assert_ne!(hash(&[("p.cedar", OPEN)]), hash(&[("p.cedar", other)]));
}
