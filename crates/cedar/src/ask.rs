//! What policies say of one call.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision as Cedar, Entities, Entity, EntityUid,
    EvaluationError, PolicyId, PolicySet, Request, Response, RestrictedExpression,
};
use largestack_ports::policies::{CallPolicies, Decided, PolicyCall};
use largestack_types::label::{DataClass, DataClasses, Origin};
use largestack_types::policy::{Decision, Reason};

use crate::bind::uid;
use crate::schema::{ACTION, CALL, DATA_CLASS, ORIGIN, TENANT, USER};
use crate::shape::Shape;
use crate::source::Rule;
use crate::value::arguments;
use crate::{ARGUMENTS, DEFAULT, PREFIX};

/// A tool that policies were held against.
pub(crate) struct Known {
    pub(crate) name: Arc<str>,
    pub(crate) uid: EntityUid,
    /// What it does, as entities.
    pub(crate) groups: HashSet<EntityUid>,
    pub(crate) shape: Shape,
}

/// Policies that hold together with an agent's tools.
pub(crate) struct Bound {
    authorizer: Authorizer,
    /// What permits and forbids, whoever agrees.
    firm: PolicySet,
    /// What a person may let through: asked by itself, because a `forbid` hides whether anything
    /// permits.
    asking: PolicySet,
    rules: HashMap<PolicyId, (Arc<str>, Arc<str>)>,
    tools: BTreeMap<Arc<str>, Known>,
    call: EntityUid,
}

impl Bound {
    pub(crate) fn new(rules: &[Rule], tools: BTreeMap<Arc<str>, Known>) -> Result<Self, String> {
        let (mut firm, mut asking) = (PolicySet::new(), PolicySet::new());
        let mut named = HashMap::new();
        for rule in rules {
            let set = if rule.asks { &mut asking } else { &mut firm };
            set.add(rule.policy.clone()).map_err(|error| error.to_string())?;
            let said = (Arc::clone(&rule.name), Arc::clone(&rule.why));
            named.insert(rule.policy.id().clone(), said);
        }
        let call = uid(ACTION, CALL)?;
        Ok(Self { authorizer: Authorizer::new(), firm, asking, rules: named, tools, call })
    }

    fn of_rule(&self, id: &PolicyId, decision: Decision) -> Reason {
        let (policy, why) = self.rules.get(id).cloned().unwrap_or_default();
        Reason { policy, decision, why }
    }

    /// The policies that a response names, in the order of their names.
    fn named(&self, response: &Response, decision: Decision) -> Vec<Reason> {
        let reasons = response.diagnostics().reason();
        let mut reasons: Vec<_> = reasons.map(|id| self.of_rule(id, decision)).collect();
        reasons.sort_by(|a, b| a.policy.cmp(&b.policy));
        reasons
    }

    /// Policies that could not be evaluated: each refuses.
    fn failed(&self, response: &Response) -> Vec<Reason> {
        let failed = response.diagnostics().errors().map(|error| {
            let AuthorizationError::PolicyEvaluationError(error) = error;
            let named = self.of_rule(error.policy_id(), Decision::Refuse);
            let why = format!("a policy cannot be evaluated: {}", said(error.inner())).into();
            Reason { why, ..named }
        });
        let mut failed: Vec<_> = failed.collect();
        failed.sort_by(|a, b| a.policy.cmp(&b.policy));
        failed
    }

    fn judge(&self, call: &PolicyCall<'_>) -> Result<Decided, String> {
        let tool = self.tools.get(call.tool).ok_or("it is called by a name that is unknown")?;
        let (request, entities) = self.asked(tool, call)?;
        let firm = self.authorizer.is_authorized(&request, &self.firm, &entities);
        let asking = self.authorizer.is_authorized(&request, &self.asking, &entities);
        let mut reasons = self.failed(&firm);
        reasons.extend(self.failed(&asking));
        match firm.decision() {
            Cedar::Deny => {
                reasons.extend(self.named(&firm, Decision::Refuse));
                if reasons.is_empty() {
                    reasons.push(own(DEFAULT, "no policy permits it"));
                }
            }
            Cedar::Allow => {
                reasons.extend(self.named(&asking, Decision::RequireApproval));
                reasons.extend(self.named(&firm, Decision::Allow));
            }
        }
        let strictest = reasons.iter().map(|reason| reason.decision).max();
        Ok(Decided { decision: strictest.unwrap_or(Decision::Refuse), reasons })
    }

    fn asked(&self, tool: &Known, call: &PolicyCall<'_>) -> Result<(Request, Entities), String> {
        let who = uid(USER, call.scope.principal())?;
        let tenant = uid(TENANT, call.scope.tenant().as_str())?;
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let said = RestrictedExpression::new_bool;
        let origins = call.label.origins.iter().map(Origin::name);
        let pairs = [
            ("agent", text(call.agent)),
            ("model", text(call.model)),
            ("cost", RestrictedExpression::new_long(call.cost.nanos())),
            ("approved", said(call.approved)),
            ("untrusted", said(call.untrusted)),
            ("from_user", said(call.from_user)),
            ("origins", set(ORIGIN, origins)?),
            ("classes", classes(call.label.classes)?),
            ("placeholders", classes(call.placeholders)?),
            ("arguments", arguments(call.arguments.as_str(), &tool.shape)?),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value));
        let wrong = |what: &str| what.to_owned();
        let context = Context::from_pairs(pairs).map_err(|_| wrong("they are no record"))?;
        let request = Request::new(who.clone(), self.call.clone(), tool.uid.clone(), context, None)
            .map_err(|_| wrong("they make no request"))?;
        let entities = [
            Entity::new_no_attrs(who, [tenant].into()),
            Entity::new_no_attrs(tool.uid.clone(), tool.groups.clone()),
        ];
        let entities =
            Entities::from_entities(entities, None).map_err(|_| wrong("they make no request"))?;
        Ok((request, entities))
    }
}

impl CallPolicies for Bound {
    fn decide(&self, call: &PolicyCall<'_>) -> Decided {
        self.judge(call).unwrap_or_else(|why| {
            let why = format!("its arguments cannot be put to policies: {why}");
            Decided { decision: Decision::Refuse, reasons: vec![own(ARGUMENTS, &why)] }
        })
    }
}

/// A refusal that is nobody's policy.
fn own(id: &str, why: &str) -> Reason {
    Reason { policy: format!("{PREFIX}{id}").into(), decision: Decision::Refuse, why: why.into() }
}

fn set<'n>(of: &str, names: impl Iterator<Item = &'n str>) -> Result<RestrictedExpression, String> {
    let items: Vec<EntityUid> = names.map(|name| uid(of, name)).collect::<Result<_, _>>()?;
    Ok(RestrictedExpression::new_set(items.into_iter().map(RestrictedExpression::new_entity_uid)))
}

fn classes(classes: DataClasses) -> Result<RestrictedExpression, String> {
    set(DATA_CLASS, classes.iter().map(DataClass::name))
}

/// Why an evaluation failed, without the values that it failed at.
fn said(error: &EvaluationError) -> String {
    match error {
        EvaluationError::RecordAttrDoesNotExist(_) | EvaluationError::EntityAttrDoesNotExist(_) => {
            "it looks at an attribute that is not there".to_owned()
        }
        EvaluationError::TypeError(_) => {
            "it compares a value that has another type, or is a number that Cedar cannot say"
                .to_owned()
        }
        EvaluationError::IntegerOverflow(_) => "a number in it grows too large".to_owned(),
        EvaluationError::FailedExtensionFunctionExecution(_) => {
            "a text in it is no number".to_owned()
        }
        _ => "it has failed".to_owned(),
    }
}
