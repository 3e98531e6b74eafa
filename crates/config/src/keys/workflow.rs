//! The keys of `workflow.yaml`. No variable sets one: which nodes there are is the file's alone, and
//! what the environment says of agents it says of those of a workflow too.

use super::{Key, Place};

/// Every key of a workflow's file.
pub const WORKFLOW_KEYS: &[Key] = keys! {
    Workflow "name", "text", "required", "The workflow's name: 1 to 64 letters, digits, `-` and `_`";
    Workflow "description", "text", "empty", "What the workflow is for, for people";
    Workflow "agents.*", "path, or the keys of agent.yaml", "none",
        "An agent: its file or folder, or what it is, written out; its name is the key unless it says another";
    Workflow "inputs", "list of keys, or `KEY: TYPE`", "[task]",
        "The keys that a run is given; of `nodes`, a pattern knows its own";
    Workflow "state.*.type", "`any`, `text`, `number`, `boolean`, `list` or `object`", "any",
        "What stands under a key, compared before a run with what nodes write and read";
    Workflow "state.*.reduce", "`replace`, `append`, `extend`, `add` or `merge`", "replace",
        "How writes to a key come together; `state: {KEY: append}` is short for it";
    Workflow "nodes.*.agent", "name of an agent", "none", "An agent is asked";
    Workflow "nodes.*.prompt", "text", "the only input",
        "What it is asked, with `{{ key }}`, `{{ key.field.0 }}` and, with `over`, `{{ item }}`";
    Workflow "nodes.*.tool", "name of a tool", "none", "A tool of `tools` is called";
    Workflow "nodes.*.workflow", "path", "none",
        "Another workflow runs; what it answers is the node's output";
    Workflow "nodes.*.with", "its keys, each with one of ours, or with what it is", "the keys of the same name",
        "What that workflow is given, each a key; or the tool's arguments, made as `set` makes values";
    Workflow "nodes.*.ask", "text", "none",
        "A person is asked; the choices are those of `then`, and without choices a no fails the \
         node";
    Workflow "nodes.*.event", "text", "none", "Something from outside is waited for, by this name";
    Workflow "nodes.*.sleep", "duration", "none", "Time passes";
    Workflow "nodes.*.set", "any value", "none",
        "A value is made of the state: a text that is one `{{ place }}` is the value there";
    Workflow "nodes.*.switch", "list of cases", "none",
        "The state decides: the first case whose `if` holds leads `to` a node; the last has none";
    Workflow "nodes.*.pass", "`true`", "none", "Nothing happens: branches meet or part here";
    Workflow "nodes.*.then", "node, list of nodes, or a node for each choice", "end",
        "What follows; `end` ends the branch";
    Workflow "nodes.*.choose", "text", "the agent is made to choose",
        "Where in the node's output its choice stands, as `field.field`";
    Workflow "nodes.*.after", "what is listened to", "none",
        "Nodes that this one follows; `{NODE: WORD}` for one that has chosen a word, and `all`, `any` and `first` of such lists";
    Workflow "nodes.*.join", "`all`, `every`, `any` or `first`", "all",
        "When a node that several lead to is visited";
    Workflow "nodes.*.over", "name of a key", "none",
        "The node works on each element of this list";
    Workflow "nodes.*.max_parallel", "whole number from 1", "the workflow's",
        "With `over`: elements worked on at once";
    Workflow "nodes.*.writes", "key, list of keys, or `none`", "the node's name",
        "Where the output goes; of several keys it is an object of these";
    Workflow "nodes.*.retry.tries", "whole number from 1 to 1000", "1",
        "Tries in all, of failures that may pass; `retry: N` is short for it; not of `ask`, `event` \
         and `sleep`";
    Workflow "nodes.*.retry.pause", "duration", "1s", "The pause before the second try; it doubles";
    Workflow "nodes.*.retry.whatever", "true or false", "false",
        "Also failures that say of themselves that another try does not help";
    Workflow "nodes.*.timeout", "duration", "none",
        "How long one try may take; not of `ask`, `event` and `sleep`";
    Workflow "nodes.*.on_failure", "`fail`, `skip`, `end-branch`, or `{to: NODE}`", "fail",
        "What becomes of a failure";
    Workflow "nodes.*.approval", "text", "none",
        "Why a person has to agree before the node happens";
    Workflow "nodes.*.undo.tool", "name of a tool", "none",
        "What undoes the node when the run fails or is cancelled after it";
    Workflow "nodes.*.undo.with", "group of keys", "no arguments",
        "Its arguments; what the node wrote stands under the node's key";
    Workflow "nodes.*.undo.retry.tries", "whole number from 1 to 1000", "1",
        "Tries in all; `retry: N` is short for it";
    Workflow "nodes.*.undo.retry.pause", "duration", "1s", "The pause before the second try; it doubles";
    Workflow "nodes.*.undo.retry.whatever", "true or false", "false",
        "Also failures that say of themselves that another try does not help";
    Workflow "nodes.*.undo.timeout", "duration", "the tool's", "How long one try may take";
    Workflow "nodes.*.undo.when_failed", "true or false", "false",
        "Also where the node itself has failed and may have done a part";
    Workflow "tools", "tools as in agent.yaml", "none",
        "The tools that nodes call, and those that `structured_chat` acts by";
    Workflow "supervise", "groups of nodes", "none",
        "Nodes that are watched together: who begins again when one fails, how often and within what time";
    Workflow "start", "node or list of nodes", "nodes that nothing leads to", "Where it begins";
    Workflow "answer", "name of a key", "what the only last node writes, else the whole state",
        "The key whose value is the answer";
    Workflow "acyclic", "true or false", "false", "Whether a way that comes back is a mistake";
    Workflow "budget", "dollars or `none`", "none", "What one run may cost, with all under it";
    Workflow "limits.max_visits", "whole number from 1 to 100000", "50",
        "How often one node may be visited: the bound of a loop; of `nodes`, a pattern has its own";
    Workflow "limits.max_parallel", "whole number from 1 to 100000", "16", "Tasks in flight at once";
    Workflow "limits.wall_clock", "duration or `none`", "none", "Active time of a run";
    Workflow "approvals.approvers", "list of texts", "none",
        "The only ones who may answer; with none anybody may";
    Workflow "approvals.quorum", "whole number from 1 to 1000", "1",
        "How many have to agree on the same answer";
    Workflow "approvals.expires_after", "duration", "7d", "How long a question stands";
    Workflow "guardrails.mode", "`observe`, `warn`, `protect` or `strict`", "protect",
        "How strict the guards are as a whole, as in agent.yaml";
    Workflow "guardrails.secret", "`allow`, `warn`, `redact`, `tokenise` or `block`", "tokenise",
        "What is done about passwords, keys and tokens in the state";
    Workflow "guardrails.card", "as `secret`", "tokenise", "What is done about payment cards";
    Workflow "guardrails.government_id", "as `secret`", "tokenise",
        "What is done about numbers by which a state, a health service or a tax office knows somebody";
    Workflow "guardrails.account", "as `secret`", "warn", "What is done about bank accounts";
    Workflow "guardrails.email", "as `secret`", "warn", "What is done about e-mail addresses";
    Workflow "guardrails.phone", "as `secret`", "warn", "What is done about telephone numbers";
    Workflow "guardrails.device", "as `secret`", "allow",
        "What is done about IP and MAC addresses, IMEIs and vehicles' numbers";
    Workflow "guardrails.person", "as `secret`", "allow",
        "What is done about dates of birth, names and postal addresses where the words before say so";
    Workflow "pattern", "name of a pattern", "none",
        "In the place of `nodes`: one of the known ways for agents to work together";
    Workflow "members", "list of agents", "every agent that has no part of its own",
        "Of a pattern: who works side by side or in turn";
    Workflow "hands_to", "agents, each with a list of agents", "everybody to everybody",
        "Of `swarm`: who may hand on to whom";
    Workflow "classifier", "name of an agent", "one that is told so",
        "Of `router`: who picks";
    Workflow "otherwise", "name of an agent", "nobody",
        "Of `router`: who is asked where no member fits";
    Workflow "manager", "name of an agent", "one that is told so", "Of `supervisor`: who gives the work";
    Workflow "judge", "name of an agent", "one that is told so", "Of `debate`: who says when it is settled; of `best`: whose answer it is";
    Workflow "author", "name of an agent", "none", "Of `reflexion`, which needs it: who writes";
    Workflow "critic", "name of an agent", "one that is told so", "Of `reflexion`: who reads it";
    Workflow "planner", "name of an agent", "one that is told so", "Of `plan_execute`: who plans";
    Workflow "worker", "name of an agent", "none",
        "Of `plan_execute`, which needs it: who does each step";
    Workflow "closer", "name of an agent", "one that is told so",
        "Of `plan_execute`: who makes the answer";
    Workflow "mapper", "name of an agent", "none",
        "Of `map_reduce`, which needs it: who works on each item";
    Workflow "reducer", "name of an agent", "none",
        "Of `map_reduce`, which needs it: who makes one answer of it all";
    Workflow "ask", "text", "Work on this:", "Of `map_reduce`: what the mapper is asked, before the item";
    Workflow "sum_up", "text", "Make one answer of these:",
        "Of `map_reduce`: what the reducer is asked, before what was made";
    Workflow "actor", "name of an agent", "none",
        "Of `structured_chat`, which needs it: who says what is done";
    Workflow "options", "list of texts", "none", "Of `vote`, which needs two or more: what is chosen from";
    Workflow "majority", "`most`, `half` or `all`", "most",
        "Of `vote`: more than any other option has, more than half of all, or all of them";
    Workflow "on_error", "`fail`, `skip`, or `{retry: N}`", "fail",
        "Of `sequential` and `parallel`: what becomes of it when a member fails";
    Workflow "instead", "members, each with an agent", "none",
        "Of `sequential` and `parallel`: who is asked in the place of a member that has failed";
    Workflow "rounds", "whole number from 1 to 10000", "10 of `supervisor`, 3 of `debate`",
        "Rounds after which it is cut short";
    Workflow "handoffs", "whole number from 1 to 10000", "10",
        "Of `swarm`: how often one member may be handed the task";
    Workflow "drafts", "whole number from 1 to 10000", "3", "Of `reflexion`: drafts at most";
    Workflow "steps", "whole number from 1 to 10000", "10", "Of `plan_execute` and `structured_chat`: steps at most";
    Workflow "at_once", "whole number from 1 to 10000", "10",
        "Of `map_reduce`: items worked on at once";
};
