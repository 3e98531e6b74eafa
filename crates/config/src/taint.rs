//! `taint` of `agent.yaml`: what untrusted text and private data in a run leave of its tools.

use largestack_policy::{OnUntrusted, Taint};
use largestack_types::label::Origin;
use largestack_types::policy::Decision;

use crate::node::Node;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::tools;
use crate::value;

impl Show for Decision {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

impl Show for Origin {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

/// An origin by its name.
pub(crate) fn origin(node: &Node) -> Result<Origin, Wrong> {
    let name = value::some_text(node)?;
    let known = Origin::ALL.iter().copied();
    known
        .clone()
        .find(|origin| origin.name() == &*name)
        .ok_or_else(|| Wrong::unknown_name("origin", &name, known.map(Origin::name)))
}

/// What the section says.
pub(crate) fn read(mut fields: Fields<'_>) -> Taint {
    let unsaid = Taint::default();
    let untrusted = fields.list("untrusted", unsaid.untrusted.iter().collect(), origin).value;
    let private = fields.list("private", unsaid.private.iter().collect(), tools::class).value;
    let on_private =
        fields.get("on_private", unsaid.on_private, value::choice(Decision::ALL)).value;
    let from_user = fields.get("from_user", unsaid.from_user, value::boolean).value;
    let on_untrusted = on_untrusted(fields.section("on_untrusted"), unsaid.on_untrusted);
    fields.finish();
    Taint {
        untrusted: untrusted.into_iter().collect(),
        on_untrusted,
        from_user,
        private: private.into_iter().collect(),
        on_private,
    }
}

fn on_untrusted(mut fields: Fields<'_>, unsaid: OnUntrusted) -> OnUntrusted {
    let mut said = |key, unsaid| fields.get(key, unsaid, value::choice(Decision::ALL)).value;
    let on_untrusted = OnUntrusted {
        write: said("write", unsaid.write),
        delete: said("delete", unsaid.delete),
        send: said("send", unsaid.send),
        pay: said("pay", unsaid.pay),
        execute: said("execute", unsaid.execute),
        egress: said("egress", unsaid.egress),
        undeclared: said("undeclared", unsaid.undeclared),
    };
    fields.finish();
    on_untrusted
}
