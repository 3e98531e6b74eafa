//! Every key there is, in one table: the environment variables and the reference are made from it,
//! and a test compares it with what is read.

/// The file a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `agent.yaml`.
    Agent,
    /// `largestack.yaml`.
    Project,
    /// `workflow.yaml`.
    Workflow,
}

/// A key of a configuration file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name with `.` between levels; `*` stands for a name of the user's own.
    pub path: &'static str,
    /// The file it belongs to.
    pub place: Place,
    /// What it takes.
    pub takes: &'static str,
    /// What holds when nobody says anything.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! keys {
    ($($place:ident $path:literal, $takes:literal, $default:literal, $meaning:literal;)+) => {
        &[$(Key {
            path: $path,
            place: Place::$place,
            takes: $takes,
            default: $default,
            meaning: $meaning,
        },)+]
    };
}

mod project;
mod spelling;
mod workflow;

use project::PROJECT_KEYS;
pub(crate) use spelling::other_file;
pub use workflow::WORKFLOW_KEYS;

/// Every key that a variable can set, too: those of an agent's file and of a project's.
pub const KEYS: &[Key] = &joined::<{ AGENT_KEYS.len() + PROJECT_KEYS.len() }>();

#[expect(clippy::indexing_slicing, reason = "worked out when this is compiled")]
const fn joined<const COUNT: usize>() -> [Key; COUNT] {
    let mut all = [AGENT_KEYS[0]; COUNT];
    let mut at = 0;
    while at < COUNT {
        let own = at < AGENT_KEYS.len();
        all[at] = if own { AGENT_KEYS[at] } else { PROJECT_KEYS[at - AGENT_KEYS.len()] };
        at += 1;
    }
    all
}

/// Every key of an agent's file.
const AGENT_KEYS: &[Key] = keys! {
    Agent "name", "text", "required", "The agent's name: 1 to 64 letters, digits, `-` and `_`";
    Agent "description", "text", "empty", "What the agent is for, for people";
    Agent "instructions", "text", "required", "What the operator tells the model";
    Agent "model", "`provider/model` or `auto`", "`auto`",
        "The model; `auto` is the project's, else the first provider with a key, else the offline one";
    Agent "fallbacks", "list of models", "none", "Models to try when the first fails, in order";
    Agent "fallback.on_break", "`continue`, `restart`, `surface` or `fail`", "continue",
        "When a reply breaks off after a part of it was delivered";
    Agent "fallback.cannot_continue", "`restart`, `surface` or `fail`", "restart",
        "The same, where the next model cannot go on behind what was delivered";
    Agent "fallback.on_content", "list of `empty`, `refusal` and `invalid-output`", "none",
        "Complete replies after which the next model is asked all the same";
    Agent "fallback.max_price_factor", "number from 0 to 1000 or `none`", "none",
        "A model that may cost more than this many times the first one is passed over";
    Agent "fallback.agents", "list of agents", "none",
        "Agents that take over, in order, where this one has failed";
    Agent "residency", "list of labels", "none",
        "Only providers with one of these labels are asked; models of this process always may be";
    Agent "provider_policy.providers", "lists of texts by name", "none",
        "By kind of data (`secret`, `card`, `government_id`, `financial`, `contact`, `personal`, `health`, `confidential`) the only providers that a call with such data goes to, unless said every one; an empty list leaves models of this process";
    Agent "provider_policy.residency", "lists of texts by name", "none",
        "The same by labels of providers, of which one must be theirs";
    Agent "cache.enabled", "true or false", "false",
        "Whether a call that was made before is answered with the reply it had";
    Agent "cache.ttl", "duration", "1h", "How long a reply may be given again";
    Agent "cache.sampled", "true or false", "false",
        "Also calls without `temperature: 0`, which might be answered differently each time";
    Agent "cache.tool_calls", "true or false", "false",
        "Also replies that call tools: the tools run again";
    Agent "settings.max_output_tokens", "whole number from 1", "the model's",
        "Most tokens of one reply";
    Agent "settings.temperature", "number from 0 to 2", "the provider's", "Sampling temperature";
    Agent "settings.top_p", "number from 0 to 1", "the provider's", "Nucleus sampling";
    Agent "settings.top_k", "whole number from 1", "the provider's",
        "Sampling among this many of the likeliest tokens";
    Agent "settings.frequency_penalty", "number from -2 to 2", "the provider's",
        "Penalty on tokens by how often they were said";
    Agent "settings.presence_penalty", "number from -2 to 2", "the provider's",
        "Penalty on tokens that were said at all";
    Agent "settings.stop", "list of texts", "none", "Texts at which a reply ends";
    Agent "settings.seed", "whole number", "the provider's", "Seed of the sampler";
    Agent "settings.parallel_tool_calls", "true or false", "the provider's",
        "Whether the model may ask for several tools at once";
    Agent "settings.reasoning_effort", "`none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`",
        "the provider's", "How hard a reasoning model thinks";
    Agent "settings.reasoning_budget_tokens", "whole number", "the provider's",
        "Most tokens spent on reasoning, where the model counts them";
    Agent "settings.prompt_cache", "`5m` or `1h`", "none",
        "How long the provider keeps the prompt's beginning, where that has to be asked for";
    Agent "settings.metadata", "texts by name", "none", "Words for the provider's own records";
    Agent "settings.on_unsupported", "`report` or `refuse`", "report",
        "A call with a setting that its model does not have";
    Agent "settings.on_lossy_schema", "`report` or `refuse`", "report",
        "A call with a schema of which its provider cannot be told everything";
    Agent "settings.extra", "group of keys", "none", "Fields handed to the provider as they are";
    Agent "output.schema", "JSON Schema", "none", "The shape that answers must have";
    Agent "output.name", "text", "answer", "What that shape is called before the model";
    Agent "output.mode", "`auto`, `native`, `tool` or `prompt`", "auto",
        "How the model is brought to it: by its provider, by a tool's parameters, by instructions";
    Agent "output.retries", "whole number from 0 to 10", "1",
        "How often an answer that does not fit is sent back with what is wrong";
    Agent "tools", "names of tools, or a group with each", "none", "The tools that the model may call";
    Agent "tools.*.timeout", "duration", "the tool's", "How long one attempt may take; 30s unless the tool says more";
    Agent "tools.*.retries", "whole number from 0 to 100", "the tool's",
        "Attempts after the first; with side effects only where nothing has happened";
    Agent "tools.*.backoff", "`none`, `constant`, `linear` or `exponential`", "the tool's",
        "How pauses between attempts grow";
    Agent "tools.*.backoff_unit", "duration", "the tool's", "The first pause";
    Agent "tools.*.backoff_max", "duration", "the tool's", "The longest pause";
    Agent "tools.*.jitter", "true or false", "the tool's",
        "Whether pauses vary by up to a quarter";
    Agent "tools.*.breaker", "whole number from 1", "the tool's",
        "Failures after which the tool is left alone for a while";
    Agent "tools.*.breaker_window", "duration", "the tool's", "The time in which they fall";
    Agent "tools.*.breaker_cooldown", "duration", "the tool's",
        "How long it is left alone before one call may try it";
    Agent "tools.*.calls_per_minute", "whole number from 1", "the tool's",
        "Calls of this agent per minute";
    Agent "tools.*.tenant_calls_per_minute", "whole number from 1", "the tool's",
        "Calls of all agents of a tenant per minute";
    Agent "tools.*.cache", "duration", "the tool's",
        "How long a result is given again for the same arguments; for idempotent tools";
    Agent "tools.*.version", "text", "the tool's",
        "Results of another version are not given again";
    Agent "tools.*.capabilities", "list of capabilities",
        "the tool's", "What the tool does to the world: `read`, `write`, `delete`, `send`, `pay`, `execute`, `egress`";
    Agent "tools.*.origin", "name of an origin", "the tool's", "Where its results come from; `operator` vouches for them";
    Agent "tools.*.classes", "list of data classes", "the tool's",
        "Kinds of data that its results hold";
    Agent "tools.*.reveals", "list of data classes", "the tool's",
        "Kinds of sensitive values that it is given in clear, in place of placeholders";
    Agent "tools.*.arguments", "JSON Schema", "the tool's",
        "What arguments must fit, beside the tool's own schema; others are denied";
    Agent "tools.*.tenant_arguments", "JSON Schemas by tenant", "the tool's",
        "The same for calls of one tenant";
    Agent "tools.*.max_result_chars", "whole number from 1", "the tool's",
        "Characters of a result that the model sees; the rest is behind a handle";
    Agent "tools.*.on_error", "`tell` or `raise`", "the tool's",
        "Whether a failure is told to the model or ends the run";
    Agent "tools.*.approval", "`required` or `never`", "the tool's",
        "Whether a person has to agree before a call runs; `never` also where `approvals.capabilities` says otherwise";
    Agent "tools.*.root", "path", "the tool's",
        "For tools with files, which need it: the folder they are in";
    Agent "tools.*.max_bytes", "whole number from 1 to 67108864", "1048576",
        "For tools with files: bytes of a file; for a command: bytes that it may write; for `code_execute`: bytes that a script may print, and return, 65536 unless said";
    Agent "tools.*.hosts", "list of texts", "every public host",
        "For tools of the web: the only hosts that may be asked; `*.NAME` for all below";
    Agent "tools.*.networks", "list of texts", "none",
        "For tools of the web: networks that may be reached although they are not public";
    Agent "tools.*.ports", "list of whole numbers", "80 and 443",
        "For tools of the web: ports that may be asked";
    Agent "tools.*.max_chars", "whole number from 100 to 1000000", "20000",
        "For tools of the web: characters that are read at once";
    Agent "tools.*.engine", "text", "duckduckgo", "For `web_search`: the search engine";
    Agent "tools.*.url", "text", "the engine's", "For `web_search`: the address of one's own";
    Agent "tools.*.zone", "text", "UTC", "For `current_time`: the zone where none is named";
    Agent "tools.*.database", "path", "the tool's",
        "For `sql_query`, which needs it: a SQLite file, or postgres://user:password@host/database";
    Agent "tools.*.allow", "list of texts", "none",
        "For `shell`, which needs it: commands that may be run; `*` is any one word, `**` any number";
    Agent "tools.*.sandbox", "`confined` or `none`", "confined",
        "For `shell` and commands: `none` lets them do whatever this program may; else they are refused where they cannot be confined";
    Agent "tools.*.reads", "list of texts", "none",
        "For `shell` and commands: what they may read beside the system's programs and their folder";
    Agent "tools.*.writes", "list of texts", "none",
        "For `shell` and commands: what they may change; `shell` its `root`, too";
    Agent "tools.*.network", "true or false", "false",
        "For `shell` and commands: whether they may open connections";
    Agent "tools.*.max_cpu", "duration", "30s",
        "For `shell` and commands: processor time of each process; for `code_execute`: how long a script may run itself, 5s unless said";
    Agent "tools.*.max_memory", "whole number from 16777216", "2147483648",
        "For `shell` and commands: bytes of memory that each process may reserve, of WebAssembly 268435456 unless said; for `code_execute`: of a script, 67108864 unless said";
    Agent "tools.*.max_processes", "whole number from 1 to 4096", "64",
        "For `shell` and commands: processes and threads at one time";
    Agent "tools.*.languages", "list of texts", "every one of the program",
        "For `code_execute`: what scripts may be written in: `python`, `javascript`";
    Agent "tools.*.tools", "list of texts", "none",
        "For `code_execute`: the agent's tools that scripts may call";
    Agent "tools.*.max_calls", "whole number from 1 to 1000", "50",
        "For `code_execute`: calls of tools that a script may make";
    Agent "tools.*.max_rows", "whole number from 1 to 10000", "100",
        "For `sql_query`: rows that are returned";
    Agent "tools.*.description", "text", "the tool's",
        "For a tool that the file makes, which needs it: what it does, for the model";
    Agent "tools.*.parameters", "JSON Schema", "no arguments",
        "For a tool that the file makes: its arguments, an object";
    Agent "tools.*.idempotent", "true or false", "what its method is; false for a command",
        "For a tool that the file makes: whether running it twice is running it once";
    Agent "tools.*.command", "list of texts", "none",
        "Makes a tool of a command: the program and its arguments; no shell reads them";
    Agent "tools.*.folder", "path", "the file's", "For a command: the folder it runs in";
    Agent "tools.*.env", "texts by name", "none",
        "For a command: its whole environment; `${VARIABLES}` in it are shown nowhere";
    Agent "tools.*.answer", "`json` or `text`", "json",
        "For a command: what its standard output is";
    Agent "tools.*.http.url", "text", "required",
        "Makes a tool of a call: an http or https address with `{arguments}` behind its host";
    Agent "tools.*.http.method", "`GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`", "GET",
        "The method of the call";
    Agent "tools.*.http.headers", "texts by name", "none",
        "Headers with `{arguments}`, or with `${VARIABLES}`, which are shown nowhere";
    Agent "tools.*.http.body", "group of keys", "the arguments that stand nowhere else",
        "The JSON that is sent, with `{arguments}`";
    Agent "tools.*.http.result", "text", "all of it",
        "Where the result stands in the JSON that comes back, as a JSON pointer";
    Agent "tools.*.openapi.document", "path", "required",
        "Makes tools of the operations of an OpenAPI 3.1 document, in JSON or YAML";
    Agent "tools.*.openapi.server", "text", "the document's first",
        "The address of the service";
    Agent "tools.*.openapi.include", "list of texts", "every operation",
        "The only operations that become tools, by `operationId`; `NAME*` for all that begin so";
    Agent "tools.*.openapi.exclude", "list of texts", "none", "Operations that become none";
    Agent "tools.*.openapi.headers", "texts by name", "none",
        "Headers of every call; `${VARIABLES}` in them are shown nowhere";
    Agent "tools.*.openapi.prefix", "text", "empty", "What the tools' names begin with";
    Agent "tools.*.agent", "path", "none",
        "Makes a tool of another agent: its file or folder";
    Agent "search_tools.above", "whole number from 1", "none",
        "With more tools than this all are kept back, and the tool `search_tools` finds them";
    Agent "search_tools.keep", "list of tools", "none", "Tools that are never kept back";
    Agent "search_tools.results", "whole number from 1 to 50", "5", "Tools that one search finds";
    Agent "knowledge.folder", "path", "none",
        "The folder with documents to answer from; `knowledge: PATH` is short for it";
    Agent "knowledge.include", "list of patterns", "`**/*.md`, `**/*.markdown`, `**/*.txt`",
        "Files that are documents, within the folder";
    Agent "knowledge.exclude", "list of patterns", "none", "Files that are not";
    Agent "knowledge.reranker", "`provider/model`", "none",
        "A model that puts the best passages in order; what it reads has passed the guards, what it \
         costs is on the run's bill";
    Agent "knowledge.on_reranker_failure", "`own-order` or `fail`", "own-order",
        "When the reranker does not answer: passages in the order of their words, with a note, or \
         a failed search";
    Agent "knowledge.top_k", "whole number from 1 to 20", "8",
        "Passages that a search returns when the model asks for no other number";
    Agent "media.folders", "list of texts", "the agent's folder and the current one",
        "The only folders whose files may be attached to a question; an empty list allows none";
    Agent "media.max_bytes", "whole number from 1", "20971520", "Bytes of one attached file";
    Agent "budget", "dollars or `none`", "$5.00", "What one run may cost, with all it starts";
    Agent "limits.max_turns", "whole number from 1", "25", "Turns in which tools may be called";
    Agent "limits.wall_clock", "duration or `none`", "5m", "Active time of a run";
    Agent "limits.max_repeats", "whole number, 0 for off", "3",
        "The same calls with the same results this often are a loop";
    Agent "limits.max_idle_turns", "whole number, 0 for off", "5",
        "Turns in a row that bring nothing new";
    Agent "limits.max_parallel_tools", "whole number from 1", "8", "Tool calls in flight at once";
    Agent "limits.max_tool_calls", "whole number or `none`", "none", "Tool calls in a whole run";
    Agent "limits.max_depth", "whole number", "4",
        "Agents that call agents, above one another: 0 calls none";
    Agent "limits.max_children", "whole number", "32", "Calls of agents in a whole run";
    Agent "limits.on_limit", "`finish` or `error`", "finish",
        "At a limit: one last turn without tools, or an error";
    Agent "memory.strategy", "`buffer`, `window`, `tokens` or `summary`", "buffer",
        "What a run is told of its session: all, the last messages, the last tokens, or a summary of the older part and the newer one";
    Agent "memory.messages", "whole number from 2 or `none`", "the strategy's",
        "No more messages than this; 20 with `window`";
    Agent "memory.tokens", "whole number from 100 or `none`", "the strategy's",
        "No more tokens than this, 4000 with `tokens` and `summary`; estimated where the model's tokeniser is not known";
    Agent "memory.ttl", "duration or `none`", "none",
        "How long a session is kept after something was last said in it";
    Agent "memory.wait", "duration", "30s",
        "How long a run waits while another one speaks in its session";
    Agent "permissions.allow", "list of tools", "every tool",
        "The only tools that may be used; an empty list allows none";
    Agent "permissions.deny", "list of tools", "none", "Tools that may not be used";
    Agent "permissions.allow_capabilities", "list of capabilities", "every capability",
        "Only tools that say what they do and do nothing else; an empty list allows none";
    Agent "permissions.deny_capabilities", "list of capabilities", "none",
        "Tools that do any of these may not be used";
    Agent "permissions.on_denied", "`tell` or `raise`", "tell",
        "Whether a denied call is told to the model or ends the run";
    Agent "approvals.capabilities", "list of capabilities", "none",
        "A person has to agree to calls of tools that do any of these";
    Agent "approvals.approvers", "list of texts", "none",
        "The only ones who may answer; with none anybody may";
    Agent "approvals.quorum", "whole number from 1 to 1000", "1",
        "How many have to agree on the same answer; one no is enough against it";
    Agent "approvals.choices", "`NAME: run` and `NAME: refuse`", "`{approve: run, deny: refuse}`",
        "The answers that may be given, and what becomes of the call";
    Agent "approvals.editable", "true or false", "false",
        "Whether an answer may change the arguments";
    Agent "approvals.expires_after", "duration", "7d",
        "How long a question stands; a call that nobody has agreed to by then does not run";
    Agent "approvals.tools.*.approvers", "list of texts", "the agent's",
        "Of calls of this tool, whatever it does: the only ones who may answer";
    Agent "approvals.tools.*.quorum", "whole number from 1 to 1000", "the agent's",
        "The same of calls of this tool";
    Agent "approvals.tools.*.choices", "`NAME: run` and `NAME: refuse`", "the agent's",
        "The same of calls of this tool";
    Agent "approvals.tools.*.editable", "true or false", "the agent's",
        "The same of calls of this tool";
    Agent "approvals.tools.*.expires_after", "duration", "the agent's",
        "The same of calls of this tool";
    Agent "guardrails.mode", "`observe`, `warn`, `protect` or `strict`", "protect",
        "How strict the guards are as a whole: `observe` changes nothing, `strict` blocks secrets, tokenises the rest and lets no key below be milder than that";
    Agent "guardrails.secret", "`allow`, `warn`, `redact`, `tokenise` or `block`", "tokenise", "What is done about passwords, keys and tokens";
    Agent "guardrails.card", "as `secret`", "tokenise", "What is done about payment cards";
    Agent "guardrails.government_id", "as `secret`", "tokenise",
        "What is done about numbers by which a state, a health service or a tax office knows somebody";
    Agent "guardrails.account", "as `secret`", "warn", "What is done about bank accounts";
    Agent "guardrails.email", "as `secret`", "warn", "What is done about e-mail addresses";
    Agent "guardrails.phone", "as `secret`", "warn", "What is done about telephone numbers";
    Agent "guardrails.device", "as `secret`", "allow", "What is done about IP and MAC addresses, IMEIs and vehicles' numbers";
    Agent "guardrails.person", "as `secret`", "allow", "What is done about dates of birth, names and postal addresses where the words before say so";
    Agent "guardrails.injection.input", "`allow`, `warn`, `isolate` or `block`", "warn", "What is done where what somebody asks reads like an attempt to turn the assistant against its operator";
    Agent "guardrails.injection.untrusted", "as `input`", "isolate", "The same of what nobody vouches for: results of tools, retrieved text, a history that a caller keeps; `isolate` puts a notice in place of the passage";
    Agent "guardrails.injection.threshold", "whole number from 1 to 99", "50", "How sure the detector must be: at 50 it flags one in a hundred hard harmless texts; more flags less";
    Agent "guardrails.output.urls", "list of texts", "none",
        "Hosts that links and images in answers may lead to, `docs.example.org` or `*.example.org`; every other link is taken out, and an empty list lets none pass; unless said no link is looked at";
    Agent "guardrails.output.controls", "true or false", "false",
        "Whether escape sequences, control characters and overrides of the writing direction are taken out of answers";
    Agent "guardrails.output.html", "true or false", "false",
        "Whether answers are HTML, of which only elements and attributes stay that run nothing; nothing is shown before the reply is complete";
    Agent "guardrails.output.action", "`warn` or `redact`", "redact",
        "Whether what is found in answers is taken out or only recorded";
    Agent "guardrails.rules.*.on", "list of `input`, `output`, `tool_arguments` and `tool_result`", "[input, output]",
        "A rule of one's own, by its name: the texts that it looks at";
    Agent "guardrails.rules.*.pattern", "text", "none",
        "What it looks for: a regular expression without look-around and references back";
    Agent "guardrails.rules.*.words", "list of texts", "none",
        "What it looks for: words in any case and under disguises, with `*` at the end beginnings of words";
    Agent "guardrails.rules.*.action", "`warn`, `redact` or `block`", "block",
        "What is done where it finds something";
    Agent "guardrails.rules.*.message", "text", "which rule it was",
        "What whoever asked is told when it blocks";
    Agent "guardrails.topics.allow", "list of texts", "none",
        "Topics of which a question has to be about one; else it is refused";
    Agent "guardrails.topics.deny", "list of texts", "none",
        "Topics that neither a question nor an answer may be about: `politics`, `medical_advice`, `legal_advice`, `financial_advice`, `adult_content`, `gambling`, `weapons`, or of one's own";
    Agent "guardrails.topics.words", "lists of texts by name", "none",
        "The words of topics of one's own; a known topic gets other words";
    Agent "guardrails.topics.action", "`warn` or `block`", "block",
        "Whether what is about something else goes no further or is only recorded";
    Agent "guardrails.length.input", "whole number from 1", "none",
        "Characters that a question may have";
    Agent "guardrails.length.output", "whole number from 1", "none",
        "Characters that an answer may have";
    Agent "guardrails.length.action", "`warn` or `block`", "block",
        "Whether what is longer goes no further or is only recorded";
    Agent "guardrails.self_harm.action", "`allow`, `warn` or `help`", "allow",
        "What is done when somebody says that they mean to harm themselves: nothing, it is recorded, or they are told where help is in the place of what the model would say";
    Agent "guardrails.self_harm.texts", "texts by name", "none",
        "What they are told, by language: `en`, `es`, `fr`, `de`, `pt`, `ru`, `zh`, `ja`, `hi` or `ar`";
    Agent "guardrails.prompt_leak.action", "`allow`, `warn`, `redact` or `block`", "warn",
        "What is done where an answer, or what a tool that sends or executes is given, holds a stretch of the agent's instructions";
    Agent "guardrails.prompt_leak.words", "whole number from 5 to 1000", "15",
        "How long such a stretch is, in words of five letters";
    Agent "guardrails.prompt_leak.canary", "true or false", "false",
        "Whether the instructions of each run end with a made-up word by which they are told, too";
    Agent "guardrails.prompt_leak.allow", "list of texts", "[]",
        "What of the instructions may be said, beside what stands in quotation marks in them";
    Agent "guardrails.spotlight", "true or false", "false",
        "Whether what nobody vouches for stands between marks that only the run's own instructions name, in what the model is sent";
    Agent "taint.untrusted", "list of origins", "[tool, retrieval, memory, web]", "Origins whose text nobody vouches for; results of tools have the origin of their tool";
    Agent "taint.on_untrusted.write", "`allow`, `require_approval` or `refuse`", "require_approval", "What becomes of a call of a tool that writes while there is untrusted text in the context; refused where nobody can be asked";
    Agent "taint.on_untrusted.delete", "as `write`", "require_approval", "The same of tools that remove something";
    Agent "taint.on_untrusted.send", "as `write`", "require_approval", "The same of tools that send something to somebody";
    Agent "taint.on_untrusted.pay", "as `write`", "require_approval", "The same of tools that move money";
    Agent "taint.on_untrusted.execute", "as `write`", "require_approval", "The same of tools that run code or commands";
    Agent "taint.on_untrusted.egress", "as `write`", "allow", "The same of tools that hand their arguments to a service outside, such as fetching a page";
    Agent "taint.on_untrusted.undeclared", "as `write`", "allow", "The same of tools of which nobody has said what they do";
    Agent "taint.from_user", "true or false", "false", "Whether a call is made all the same, once, when every value of it stands in the user's own words";
    Agent "taint.private", "list of data classes", "[secret, card, government_id, financial, health, confidential]", "Kinds of data that no call sends or hands out, unless its tool `reveals` them";
    Agent "taint.on_private", "`allow`, `require_approval` or `refuse`", "refuse", "What becomes of a call that would: by a placeholder, a quotation or, beside untrusted text, whatever it says";
    Agent "policies", "path, or list of paths", "none",
        "Files with Cedar policies about calls of tools, asked after everything else; what none permits is refused";
    Agent "retries", "whole number from 0 to 10", "0",
        "How often a run goes on after a failure that may pass, within the same budget";
    Agent "in_doubt", "`ask`, `tell-model` or `fail`", "ask",
        "What to do with a call that was cut off and may have had an effect";
};

impl Place {
    /// Every file.
    pub const ALL: &'static [Self] = &[Self::Agent, Self::Project, Self::Workflow];

    /// The keys of the file.
    pub fn keys(self) -> impl Iterator<Item = &'static Key> {
        KEYS.iter().chain(WORKFLOW_KEYS).filter(move |key| key.place == self)
    }

    /// The name of the file.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Agent => crate::locate::AGENT_FILE,
            Self::Project => crate::locate::PROJECT_FILE,
            Self::Workflow => crate::locate::WORKFLOW_FILE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_set_by_a_variable_of_its_path() {
        let variable = |path| KEYS.iter().find(|key| key.path == path).map(Key::variable);
        assert_eq!(variable("limits.max_turns").as_deref(), Some("LARGESTACK_LIMITS__MAX_TURNS"));
        assert_eq!(
            variable("providers.*.base-url").as_deref(),
            Some("LARGESTACK_PROVIDERS__<NAME>__BASE_URL")
        );
    }

    #[test]
    fn no_key_stands_twice_in_a_file() {
        for place in Place::ALL {
            for (i, key) in place.keys().enumerate() {
                let twice = place.keys().skip(i + 1).any(|k| k.path == key.path);
                assert!(!twice, "{}", key.path);
            }
        }
    }
}
