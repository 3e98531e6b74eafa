//! The keys of `largestack.yaml`.

use super::{Key, Place};

/// Every key of a project's file.
pub(super) const PROJECT_KEYS: &[Key] = keys! {
    Project "model", "`provider/model` or `auto`", "`auto`", "The model of agents that name none";
    Project "state", "path", "`.largestack` beside the file", "Where runs and indices are kept";
    Project "store.postgres", "name of a variable", "none",
        "Variable that holds the address of a Postgres server, `postgres://user:password@host/database`: it keeps runs, sessions, approvals, budgets and all else but documents, for several machines";
    Project "retention.older_than", "duration", "none",
        "What `largestack prune` removes: runs that were last written so long ago";
    Project "retention.keep", "whole number from 1", "none",
        "So many of the newest runs stay, whatever their age";
    Project "retention.compact_after", "duration", "none",
        "What `largestack prune` compacts: runs that were last written so long ago keep their conversation and their end, not their events";
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
    Project "worker.engine", "`store` or `restate`", "store",
        "Who says which worker drives a run: the queue in the project's server, or a Restate server";
    Project "worker.concurrency", "whole number from 1 to 10000", "4",
        "Runs that one `largestack worker` has at once";
    Project "worker.per_tenant", "whole number from 1", "none",
        "Runs of one tenant that go on at once, over all workers";
    Project "worker.per_agent", "whole number from 1", "none",
        "Runs of each agent or workflow that go on at once, over all workers and tenants";
    Project "worker.lease", "duration", "30s",
        "How long a worker that says nothing keeps its runs; at least 1s";
    Project "worker.drain", "duration", "30s",
        "How long what a worker has may take to end when it is told to, before it is handed back";
    Project "worker.attempts", "whole number from 1 to 1000", "5",
        "How often an enqueued run is tried before it is set aside";
    Project "worker.max_queued", "whole number from 1", "10000",
        "Runs of a tenant that may wait for a worker; more are refused";
    Project "worker.restate.listen", "address and port", "127.0.0.1:9080",
        "Where `largestack worker` listens for a Restate server";
    Project "worker.restate.uri", "`http://HOST:PORT`", "that of `listen`",
        "Where the Restate server reaches the worker, or what stands before several of them";
    Project "worker.restate.ingress", "`http://HOST:PORT`", "http://127.0.0.1:8080",
        "Restate's ingress: where runs are begun, told and ended";
    Project "worker.restate.admin", "`http://HOST:PORT`", "http://127.0.0.1:9070",
        "Restate's admin port: where a worker says where it is";
    Project "worker.restate.identity_key", "text", "none",
        "The public key of the one Restate server that the worker obeys; without it, whoever reaches `listen` is obeyed";
    Project "worker.restate.unsigned", "true or false", "false",
        "Obeys also without `identity_key` whoever reaches a `listen` that is not on the loopback";
    Project "signals.keys", "public keys by name", "none",
        "Ed25519 public keys, as PEM or base64, whose signed events are taken, by the names that they sign under";
    Project "signals.max_age", "duration", "5m", "How long ago an event may have been signed";
    Project "signals.require", "true or false", "false", "Refuses events that are not signed";
};
