//! Every key there is, in one table: the environment variables and the reference are made from it,
//! and a test compares it with what is read.

/// The file a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `agent.yaml`.
    Agent,
    /// `largestack.yaml`.
    Project,
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

/// Every key of every file.
pub const KEYS: &[Key] = keys! {
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
    Agent "tools.*.capabilities", "list of `read`, `write`, `delete`, `send`, `pay` and `execute`",
        "the tool's", "What the tool does to the world";
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
        "For tools with files: bytes of a file; for a command: bytes that it may write";
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
    Agent "guardrails.secret", "`allow`, `warn`, `redact`, `tokenise` or `block`", "tokenise",
        "What is done about passwords, keys and tokens";
    Agent "guardrails.card", "as `secret`", "tokenise", "What is done about payment cards";
    Agent "guardrails.government_id", "as `secret`", "tokenise",
        "What is done about numbers by which a state, a health service or a tax office knows somebody";
    Agent "guardrails.account", "as `secret`", "warn", "What is done about bank accounts";
    Agent "guardrails.email", "as `secret`", "warn", "What is done about e-mail addresses";
    Agent "guardrails.phone", "as `secret`", "warn", "What is done about telephone numbers";
    Agent "retries", "whole number from 0 to 10", "0",
        "How often a run goes on after a failure that may pass, within the same budget";
    Agent "in_doubt", "`ask`, `tell-model` or `fail`", "ask",
        "What to do with a call that was cut off and may have had an effect";
    Project "model", "`provider/model` or `auto`", "`auto`", "The model of agents that name none";
    Project "state", "path", "`.largestack` beside the file", "Where runs and indices are kept";
    Project "store.postgres", "name of a variable", "none",
        "Variable that holds the address of a Postgres server, `postgres://user:password@host/database`: it keeps runs, sessions, approvals, budgets and all else but documents, for several machines";
    Project "model_requests", "`allow` or `block`", "allow",
        "Whether providers may be asked; models of this process always may be";
    Project "license.issuer", "text", "none",
        "A licence is asked for: the Ed25519 public key, as PEM or base64, that has signed it";
    Project "license.file", "path", "none", "The licence: a JSON Web Token";
    Project "aliases", "models by name", "none", "Names of your own for models";
    Project "pools.*.models", "list of models", "required", "Models of which any may answer `pool/NAME`";
    Project "pools.*.strategy", "`weighted`, `latency`, `cheapest` or `bandit`", "bandit",
        "How one is chosen; the pool called `auto` is what `model: auto` means";
    Project "pools.*.weights", "list of whole numbers", "1 each", "Weights for `weighted`, in order";
    Project "providers.*.wire", "name of a protocol", "`openai-chat`", "The protocol it speaks";
    Project "providers.*.base-url", "http or https address", "the built-in row's",
        "The address that paths are appended to";
    Project "providers.*.path", "path", "the protocol's", "The path of a request";
    Project "providers.*.auth", "`bearer`, `none` or `header: NAME`", "`bearer`",
        "How the key is presented";
    Project "providers.*.key-env", "list of variables", "the built-in row's",
        "Variables that may hold the key, after `LARGESTACK_<NAME>_API_KEY`";
    Project "providers.*.quirks", "list of quirks", "the built-in row's",
        "How it differs from its protocol";
    Project "providers.*.lacks", "list of fields", "the built-in row's",
        "Request fields it does not have";
    Project "providers.*.models", "list of texts", "the built-in row's",
        "Beginnings of bare model names that mean it";
    Project "providers.*.also", "list of texts", "the built-in row's",
        "Other names that it is known by";
    Project "providers.*.params",
        "`NAME: {value: TEXT, env: [VARIABLE], when: {OTHER: {WORD: TEXT}}}`", "the built-in row's",
        "Words that its address leaves open as `{NAME}`; with `when` another text where the word OTHER is WORD";
    Project "providers.*.query", "texts by name", "the built-in row's",
        "What stands behind the `?` of its address; never a key";
    Project "providers.*.headers", "texts by name", "the built-in row's",
        "Further headers of a request; never a key";
    Project "providers.*.residency", "list of labels", "the built-in row's",
        "Where what it is told stays, in words that agents ask for";
    Project "providers.*.timeouts.connect", "duration", "10s, or the built-in row's",
        "How long a connection may take to stand";
    Project "providers.*.timeouts.first-byte", "duration", "2m, or the built-in row's",
        "From the request to the beginning of a streamed reply";
    Project "providers.*.timeouts.idle", "duration", "1m, or the built-in row's",
        "From one piece of a reply to the next";
    Project "providers.*.timeouts.total", "duration", "10m, or the built-in row's",
        "For a whole exchange";
    Project "providers.*.prefill", "`none`, `plain` or `prefix`", "its models'",
        "Whether its models go on from a beginning of their own reply";
    Project "providers.*.embed", "name of a protocol of embeddings", "the built-in row's",
        "The protocol of its embeddings";
    Project "providers.*.embed-path", "path", "the protocol's", "The path of a request for them";
    Project "providers.*.rerank", "name of a protocol of rerankers", "the built-in row's",
        "The protocol of its reranker";
    Project "providers.*.rerank-path", "path", "the protocol's", "The path of a request to it";
    Project "network.proxy", "address of a proxy", "none",
        "`http://`, `socks5://` or `socks5h://` and a host. Every connection goes through it; it resolves the names of hosts. `USER:PASSWORD@` may stand before the host";
    Project "network.no_proxy", "list of texts", "none",
        "Hosts, addresses and networks that are reached directly all the same: a name stands for its subdomains too, `*` for all";
    Project "network.ca_file", "path", "none",
        "A PEM file of certificate authorities to believe beside the system's";
    Project "prices.*.model", "`provider/model`, or its beginning and `*`", "the price's name",
        "The model that a price of your own is for; it goes before the price book's";
    Project "prices.*.from", "day like 2026-01-31", "always", "The first day of the price, in UTC";
    Project "prices.*.input", "dollars per million tokens", "unknown", "Input that no cache held";
    Project "prices.*.output", "dollars per million tokens", "unknown", "Output";
    Project "prices.*.cache-read", "dollars per million tokens", "as input",
        "Input read from the provider's cache";
    Project "prices.*.cache-write", "dollars per million tokens", "as input",
        "Input written to the provider's cache";
    Project "prices.*.cache-write-1h", "dollars per million tokens", "as cache-write",
        "Input written to the cache for an hour";
    Project "prices.*.reasoning", "dollars per million tokens", "as output", "Reasoning";
    Project "prices.*.audio", "`{input: , cache-read: , output: }` in dollars per million tokens",
        "as text", "Sound";
    Project "prices.*.image", "`{input: , cache-read: , output: }` in dollars per million tokens",
        "as text", "Images";
    Project "prices.*.search", "dollars per thousand", "unknown",
        "Searches of the web or of a reranker";
    Project "prices.*.request", "dollars per thousand", "nothing", "Calls, beside their tokens";
    Project "prices.*.long", "list of `{above: TOKENS, rates: {input: , output: }}`", "none",
        "Rates of calls with more input than so many tokens, the fewest first";
    Project "prices.*.priority", "factor, or `{input: , output: }`", "unknown",
        "The priority tier: so many times the rates of tokens, or rates of its own";
    Project "prices.*.fast", "as `priority`", "unknown", "The fast tier";
    Project "prices.*.flex", "as `priority`", "unknown", "The flex tier";
    Project "prices.*.batch", "as `priority`", "unknown", "The batch tier";
    Project "budgets.tenant.total", "dollars", "none",
        "What all runs may cost together, in all, from the day the budget was first set";
    Project "budgets.tenant.day", "dollars", "none",
        "What all runs may cost together, per day, in UTC";
    Project "budgets.tenant.month", "dollars", "none",
        "What all runs may cost together, per month, in UTC";
    Project "budgets.agent.total", "dollars", "none",
        "What the runs of each agent may cost together, in all, from the day the budget was first set";
    Project "budgets.agent.day", "dollars", "none",
        "What the runs of each agent may cost together, per day, in UTC";
    Project "budgets.agent.month", "dollars", "none",
        "What the runs of each agent may cost together, per month, in UTC";
    Project "budgets.user.total", "dollars", "none",
        "What the runs of each user may cost together, in all, from the day the budget was first set";
    Project "budgets.user.day", "dollars", "none",
        "What the runs of each user may cost together, per day, in UTC";
    Project "budgets.user.month", "dollars", "none",
        "What the runs of each user may cost together, per month, in UTC";
    Project "limits.tenant.requests", "whole number from 1", "none",
        "Calls of all agents per minute";
    Project "limits.tenant.input_tokens", "whole number from 1", "none",
        "Tokens that calls of all agents may send per minute";
    Project "limits.tenant.output_tokens", "whole number from 1", "none",
        "Tokens that calls of all agents may generate per minute";
    Project "limits.tenant.cost", "dollars", "none",
        "What calls of all agents may cost per minute";
    Project "limits.user.requests", "whole number from 1", "none",
        "Calls of each user per minute";
    Project "limits.user.input_tokens", "whole number from 1", "none",
        "Tokens that calls of each user may send per minute";
    Project "limits.user.output_tokens", "whole number from 1", "none",
        "Tokens that calls of each user may generate per minute";
    Project "limits.user.cost", "dollars", "none",
        "What calls of each user may cost per minute";
    Project "limits.model.requests", "whole number from 1", "none",
        "Calls to each model per minute";
    Project "limits.model.input_tokens", "whole number from 1", "none",
        "Tokens that calls to each model may send per minute";
    Project "limits.model.output_tokens", "whole number from 1", "none",
        "Tokens that calls to each model may generate per minute";
    Project "limits.model.cost", "dollars", "none",
        "What calls to each model may cost per minute";
    Project "limits.provider.requests", "whole number from 1", "none",
        "Calls to each provider per minute";
    Project "limits.provider.input_tokens", "whole number from 1", "none",
        "Tokens that calls to each provider may send per minute";
    Project "limits.provider.output_tokens", "whole number from 1", "none",
        "Tokens that calls to each provider may generate per minute";
    Project "limits.provider.cost", "dollars", "none",
        "What calls to each provider may cost per minute";
    Project "limits.when_reached", "`refuse` or `wait`", "refuse",
        "What happens to a call beyond a limit per minute";
    Project "limits.queue", "whole number from 1", "100",
        "Calls that may wait for one limit at once; more are refused";
    Project "limits.first", "list of agents", "none",
        "Agents whose calls wait before all others";
};

impl Place {
    /// The name of the file.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Agent => crate::locate::AGENT_FILE,
            Self::Project => crate::locate::PROJECT_FILE,
        }
    }
}

/// Where an unknown key belongs, when it is the beginning of a key of a file that does not have
/// the known ones.
pub(crate) fn other_file(path: &str, known: &[&str]) -> Option<String> {
    let top = |key: &Key| key.path.split('.').next().unwrap_or(key.path).to_owned();
    let key = KEYS.iter().find(|key| top(key) == path)?;
    let same =
        known.iter().all(|name| KEYS.iter().any(|k| k.place == key.place && top(k) == *name));
    (!same).then(|| format!("It belongs in {}", key.place.file()))
}

impl Key {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        let path = self.path.replace('*', "<NAME>").replace('.', "__").replace('-', "_");
        format!("LARGESTACK_{}", path.to_ascii_uppercase())
    }

    /// Reads the key's own spelling of a path: each level as the table writes it, names of the
    /// user's own as they are. `None` when the path is another key's.
    pub(crate) fn spell<'p>(&'p self, path: &[&'p str]) -> Option<Vec<&'p str>> {
        let levels: Vec<&str> = self.path.split('.').collect();
        let fold = |text: &str| text.replace('-', "_");
        let same = |level: &str, given: &str| level == "*" || fold(level) == fold(given);
        let fits = levels.len() == path.len()
            && levels.iter().zip(path).all(|(level, given)| same(level, given));
        fits.then(|| {
            let spelt = levels.iter().zip(path);
            spelt.map(|(level, given)| if *level == "*" { *given } else { *level }).collect()
        })
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
        for (i, key) in KEYS.iter().enumerate() {
            let twice = KEYS.iter().skip(i + 1).any(|k| k.path == key.path && k.place == key.place);
            assert!(!twice, "{}", key.path);
        }
    }
}
