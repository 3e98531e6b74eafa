"""Asks the provider on the loopback through the vendors' official clients, and writes what each of
them says was said: one JSON object a line. A scenario is asked for by the name of its model.

    clients.py ADDRESS
"""

import json
import sys

ROOT = sys.argv[1]
QUESTION = "Is it sunny in Tokyo?"
RESULT = "sunny, 21 degrees"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
NAME, ABOUT = "weather", "The weather of a city"
SCENARIOS = ["text", "length", "tools", "thinking", "cited", "refused-400", "refused-401",
             "refused-403", "refused-404", "refused-429", "refused-500", "refused-503", "broken"]


def say(client, scenario, stream, **said):
    print(json.dumps({"client": client, "scenario": scenario, "stream": stream, **said}), flush=True)


def ask(client, scenario, stream, call, errors):
    """Makes a call, and a second one with a tool's result where tools were called."""
    if scenario == "broken" and not stream:
        return
    try:
        said, again = call(scenario, stream)
    except errors as error:
        say(client, scenario, stream, failed=True, status=status_of(error), error=str(error))
        return
    say(client, scenario, stream, failed=False, **said)
    if scenario == "tools":
        again()


def status_of(error):
    for name in ("status_code", "code"):
        value = getattr(error, name, None)
        if isinstance(value, int):
            return value
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return None


def openai_chat():
    import openai

    client = openai.OpenAI(base_url=ROOT + "/v1", api_key="k", max_retries=0, timeout=20)
    tools = [{"type": "function",
              "function": {"name": NAME, "description": ABOUT, "parameters": SCHEMA}}]

    def call(scenario, stream):
        messages = [{"role": "user", "content": QUESTION}]
        arguments = {"model": scenario, "messages": messages}
        if scenario == "tools":
            arguments["tools"] = tools
        if stream and scenario == "cited":
            # The client's accumulator refuses annotations in deltas; its chunks hold them.
            return chunks(client.chat.completions.create(
                **arguments, stream=True, stream_options={"include_usage": True})), None
        if stream:
            arguments["stream_options"] = {"include_usage": True}
            with client.chat.completions.stream(**arguments) as events:
                try:
                    completion = events.get_final_completion()
                except openai.LengthFinishReasonError as cut:
                    completion = cut.completion
        else:
            completion = client.chat.completions.create(**arguments)
        message, usage = completion.choices[0].message, completion.usage
        calls = message.tool_calls or []

        def again():
            results = [{"role": "tool", "tool_call_id": c.id, "content": RESULT} for c in calls]
            turn = message.to_dict()
            turn.pop("parsed", None)
            # It is DeepSeek's and others' word, whose rows send it back. OpenAI has none for it.
            turn.pop("reasoning_content", None)
            for c in turn.get("tool_calls", []):
                c.pop("index", None)
                c["function"].pop("parsed_arguments", None)
            client.chat.completions.create(
                model=scenario, messages=[*messages, turn, *results], tools=tools)

        return {
            "text": message.content or "",
            "reasoning": getattr(message, "reasoning_content", None) or "",
            "calls": [[c.id, c.function.name, json.loads(c.function.arguments)] for c in calls],
            "finish": completion.choices[0].finish_reason,
            "citations": [[a.url_citation.url, a.url_citation.title]
                          for a in message.annotations or []],
            **chat_usage(usage),
        }, again

    def chat_usage(usage):
        return {
            "input": usage.prompt_tokens,
            "output": usage.completion_tokens,
            "cached": usage.prompt_tokens_details.cached_tokens,
            "thought": usage.completion_tokens_details.reasoning_tokens,
        }

    def chunks(stream):
        said = {"text": "", "citations": []}
        for chunk in stream:
            for choice in chunk.choices:
                said["text"] += choice.delta.content or ""
                for annotation in getattr(choice.delta, "annotations", None) or []:
                    cited = annotation["url_citation"]
                    said["citations"].append([cited["url"], cited["title"]])
                said["finish"] = choice.finish_reason
            if chunk.usage:
                said.update(chat_usage(chunk.usage))
        return said

    return call, openai.APIError


def openai_responses():
    import openai

    client = openai.OpenAI(base_url=ROOT + "/v1", api_key="k", max_retries=0, timeout=20)
    tools = [{"type": "function", "name": NAME, "description": ABOUT, "parameters": SCHEMA,
              "strict": False}]

    def call(scenario, stream):
        messages = [{"role": "user", "content": QUESTION}]
        arguments = {"model": scenario, "input": messages, "store": False,
                     "include": ["reasoning.encrypted_content"]}
        if scenario == "tools":
            arguments["tools"] = tools
        if stream:
            with client.responses.stream(**arguments) as events:
                # The helper wants an end that a reply cut short does not have.
                response = None
                for event in events:
                    if event.type in ("response.completed", "response.incomplete"):
                        response = event.response
                    if event.type == "error":
                        raise openai.APIError(event.message, request=None, body=None)
        else:
            response = client.responses.create(**arguments)
        items, usage = response.output, response.usage
        calls = [item for item in items if item.type == "function_call"]
        thoughts = [item for item in items if item.type == "reasoning"]
        words = [c for item in items if item.type == "message" for c in item.content]

        def again():
            results = [{"type": "function_call_output", "call_id": c.call_id, "output": RESULT}
                       for c in calls]
            turn = [item.to_dict() for item in items]
            for item in turn:
                item.pop("parsed_arguments", None)
                if item["type"] == "function_call":
                    item.pop("status", None)  # optional, and not ours to send
                for content in item.get("content") or []:
                    content.pop("parsed", None)
            client.responses.create(**{**arguments, "input": [*messages, *turn, *results]})

        cause = response.incomplete_details
        return {
            "text": response.output_text,
            "reasoning": "".join(s.text for item in thoughts for s in item.summary),
            "seal": "".join(item.encrypted_content or "" for item in thoughts),
            "calls": [[c.call_id, c.name, json.loads(c.arguments)] for c in calls],
            "finish": cause.reason if cause else response.status,
            "citations": [[a.url, a.title] for c in words for a in c.annotations],
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cached": usage.input_tokens_details.cached_tokens,
            "thought": usage.output_tokens_details.reasoning_tokens,
        }, again

    return call, openai.APIError


def anthropic_through(client):
    import anthropic

    tools = [{"name": NAME, "description": ABOUT, "input_schema": SCHEMA}]

    def call(scenario, stream):
        messages = [{"role": "user", "content": QUESTION}]
        arguments = {"model": scenario, "max_tokens": 64, "messages": messages}
        if scenario == "tools":
            arguments["tools"] = tools
        if stream:
            with client.messages.stream(**arguments) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**arguments)
        content, usage = message.content, message.usage
        of = lambda kind: [block for block in content if block.type == kind]

        def again():
            results = [{"type": "tool_result", "tool_use_id": c.id, "content": RESULT}
                       for c in of("tool_use")]
            turns = [{"role": "assistant", "content": content},
                     {"role": "user", "content": results}]
            client.messages.create(**{**arguments, "messages": [*messages, *turns]})

        cached = usage.cache_read_input_tokens
        return {
            "text": "".join(block.text for block in of("text")),
            "reasoning": "".join(block.thinking for block in of("thinking")),
            "seal": "".join(block.signature for block in of("thinking")),
            "calls": [[c.id, c.name, c.input] for c in of("tool_use")],
            "finish": message.stop_reason,
            "citations": [[c.url, c.title] for b in of("text") for c in b.citations or []],
            # Cached tokens are counted beside the input.
            "input": usage.input_tokens + cached + usage.cache_creation_input_tokens,
            "output": usage.output_tokens,
            "cached": cached,
        }, again

    return call, anthropic.APIError


def anthropic_messages():
    import anthropic

    return anthropic_through(
        anthropic.Anthropic(base_url=ROOT, api_key="k", max_retries=0, timeout=20))


def bedrock_anthropic():
    import anthropic

    return anthropic_through(anthropic.AnthropicBedrock(
        base_url=ROOT, aws_access_key="AKIAEXAMPLE", aws_secret_key="secret",
        aws_region="us-east-1", max_retries=0, timeout=20))


def vertex_anthropic():
    import anthropic

    return anthropic_through(anthropic.AnthropicVertex(
        base_url=ROOT + "/v1", project_id="p", region="us-east5", access_token="t",
        max_retries=0, timeout=20))


def gemini():
    from google import genai
    from google.genai import errors, types

    client = genai.Client(
        api_key="k", http_options=types.HttpOptions(base_url=ROOT, timeout=20_000))
    tool = types.Tool(function_declarations=[types.FunctionDeclaration(
        name=NAME, description=ABOUT, parameters_json_schema=SCHEMA)])

    def call(scenario, stream):
        contents = [types.Content(role="user", parts=[types.Part(text=QUESTION)])]
        config = types.GenerateContentConfig(
            tools=[tool] if scenario == "tools" else None,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
        arguments = {"model": scenario, "contents": contents, "config": config}
        if stream:
            replies = list(client.models.generate_content_stream(**arguments))
        else:
            replies = [client.models.generate_content(**arguments)]
        parts = [p for r in replies for p in r.candidates[0].content.parts or []]
        usage = replies[-1].usage_metadata
        calls = [p.function_call for p in parts if p.function_call]
        grounding = replies[-1].candidates[0].grounding_metadata

        def again():
            if stream:  # whose pieces are no turn yet
                return
            results = [types.Part(function_response=types.FunctionResponse(
                id=c.id, name=c.name, response={"result": RESULT})) for c in calls]
            turns = [types.Content(role="model", parts=parts),
                     types.Content(role="user", parts=results)]
            client.models.generate_content(**{**arguments, "contents": [*contents, *turns]})

        thought = usage.thoughts_token_count or 0
        return {
            "text": "".join(p.text for p in parts if p.text and not p.thought),
            "reasoning": "".join(p.text for p in parts if p.text and p.thought),
            "calls": [[c.id, c.name, c.args] for c in calls],
            "finish": replies[-1].candidates[0].finish_reason.value,
            "citations": [[c.web.uri, c.web.title] for c in grounding.grounding_chunks]
            if grounding else [],
            "input": usage.prompt_token_count,
            # Thoughts are counted beside the candidates.
            "output": usage.candidates_token_count + thought,
            "cached": usage.cached_content_token_count or 0,
            "thought": thought,
        }, again

    return call, errors.APIError


def bedrock():
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError, EventStreamError

    client = boto3.client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=ROOT,
        aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=20))
    tools = {"tools": [{"toolSpec": {
        "name": NAME, "description": ABOUT, "inputSchema": {"json": SCHEMA}}}]}

    def whole(stream):
        """Puts the events of a stream together as the guide to ConverseStream shows it."""
        blocks, rest = {}, {}
        for event in stream:
            if "contentBlockStart" in event:
                start = event["contentBlockStart"]
                blocks[start["contentBlockIndex"]] = {"toolUse": {**start["start"]["toolUse"],
                                                                  "input": ""}}
            elif "contentBlockDelta" in event:
                index = event["contentBlockDelta"]["contentBlockIndex"]
                delta = event["contentBlockDelta"]["delta"]
                if "text" in delta:
                    block = blocks.setdefault(index, {"text": ""})
                    block["text"] += delta["text"]
                elif "toolUse" in delta:
                    blocks[index]["toolUse"]["input"] += delta["toolUse"]["input"]
                elif "reasoningContent" in delta:
                    empty = {"reasoningContent": {"reasoningText": {"text": ""}}}
                    thought = blocks.setdefault(index, empty)["reasoningContent"]["reasoningText"]
                    thought["text"] += delta["reasoningContent"].get("text", "")
                    if "signature" in delta["reasoningContent"]:
                        thought["signature"] = delta["reasoningContent"]["signature"]
            elif "messageStop" in event:
                rest["stopReason"] = event["messageStop"]["stopReason"]
            elif "metadata" in event:
                rest["usage"] = event["metadata"]["usage"]
        for block in blocks.values():
            if "toolUse" in block:
                block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
        content = [blocks[index] for index in sorted(blocks)]
        return {"output": {"message": {"role": "assistant", "content": content}}, **rest}

    def call(scenario, stream):
        messages = [{"role": "user", "content": [{"text": QUESTION}]}]
        arguments = {"modelId": scenario, "messages": messages}
        if scenario == "tools":
            arguments["toolConfig"] = tools
        if stream:
            reply = whole(client.converse_stream(**arguments)["stream"])
        else:
            reply = client.converse(**arguments)
        message, usage = reply["output"]["message"], reply["usage"]
        content = message["content"]
        calls = [block["toolUse"] for block in content if "toolUse" in block]
        thoughts = [block["reasoningContent"]["reasoningText"]
                    for block in content if "reasoningContent" in block]

        def again():
            results = [{"toolResult": {"toolUseId": c["toolUseId"],
                                       "content": [{"text": RESULT}]}} for c in calls]
            turns = [message, {"role": "user", "content": results}]
            client.converse(**{**arguments, "messages": [*messages, *turns]})

        cached = usage["cacheReadInputTokens"]
        return {
            "text": "".join(block.get("text", "") for block in content),
            "reasoning": "".join(thought["text"] for thought in thoughts),
            "seal": "".join(thought["signature"] for thought in thoughts),
            "calls": [[c["toolUseId"], c["name"], c["input"]] for c in calls],
            "finish": reply["stopReason"],
            # Cached tokens are counted beside the input.
            "input": usage["inputTokens"] + cached + usage["cacheWriteInputTokens"],
            "output": usage["outputTokens"],
            "cached": cached,
        }, again

    return call, (ClientError, EventStreamError)


def cohere():
    import cohere
    from cohere.core.api_error import ApiError

    client = cohere.ClientV2(api_key="k", base_url=ROOT, timeout=20, max_retries=0)
    tools = [{"type": "function",
              "function": {"name": NAME, "description": ABOUT, "parameters": SCHEMA}}]

    def streamed(stream):
        said = {"text": "", "reasoning": "", "calls": [], "citations": []}
        for event in stream:
            if event.type == "content-delta":
                content = event.delta.message.content
                said["text"] += content.text or ""
                said["reasoning"] += content.thinking or ""
            elif event.type == "citation-start":
                cited = event.delta.message.citations
                said["citations"] += [[s.document["url"], s.document["title"]]
                                      for s in cited.sources]
            elif event.type == "tool-call-start":
                started = event.delta.message.tool_calls
                said["calls"].append([started.id, started.function.name, ""])
            elif event.type == "tool-call-delta":
                said["calls"][-1][2] += event.delta.message.tool_calls.function.arguments
            elif event.type == "message-end":
                if event.delta.error:
                    raise ApiError(body=event.delta.error)
                said["finish"] = event.delta.finish_reason
                said["input"] = event.delta.usage.tokens.input_tokens
                said["output"] = event.delta.usage.tokens.output_tokens
        for made in said["calls"]:
            made[2] = json.loads(made[2])
        return said

    def call(scenario, stream):
        messages = [{"role": "user", "content": QUESTION}]
        arguments = {"model": scenario, "messages": messages}
        if scenario == "tools":
            arguments["tools"] = tools
        if stream:
            return streamed(client.chat_stream(**arguments)), lambda: None
        reply = client.chat(**arguments)
        message, usage = reply.message, reply.usage
        calls, content = message.tool_calls or [], message.content or []

        def again():
            results = [{"role": "tool", "tool_call_id": c.id, "content": RESULT} for c in calls]
            client.chat(**{**arguments, "messages": [*messages, message, *results]})

        return {
            "text": "".join(c.text for c in content if c.type == "text"),
            "reasoning": "".join(c.thinking for c in content if c.type == "thinking"),
            "calls": [[c.id, c.function.name, json.loads(c.function.arguments)] for c in calls],
            "finish": reply.finish_reason,
            "citations": [[s.document["url"], s.document["title"]]
                          for c in message.citations or [] for s in c.sources],
            "input": usage.tokens.input_tokens,
            "output": usage.tokens.output_tokens,
        }, again

    return call, ApiError


def ollama():
    import ollama

    client = ollama.Client(host=ROOT, timeout=20)
    tools = [{"type": "function",
              "function": {"name": NAME, "description": ABOUT, "parameters": SCHEMA}}]

    def call(scenario, stream):
        messages = [{"role": "user", "content": QUESTION}]
        arguments = {"model": scenario, "messages": messages, "stream": stream}
        if scenario == "tools":
            arguments["tools"] = tools
        replies = client.chat(**arguments)
        replies = list(replies) if stream else [replies]
        told = [reply.message for reply in replies]
        calls = [c for message in told for c in message.tool_calls or []]

        def again():
            if stream:
                return
            results = [{"role": "tool", "tool_name": c.function.name, "content": RESULT}
                       for c in calls]
            client.chat(model=scenario, messages=[*messages, told[0], *results], tools=tools)

        return {
            "text": "".join(message.content or "" for message in told),
            "reasoning": "".join(message.thinking or "" for message in told),
            "named": [[c.function.name, dict(c.function.arguments)] for c in calls],
            "finish": replies[-1].done_reason,
            "input": replies[-1].prompt_eval_count,
            "output": replies[-1].eval_count,
        }, again

    return call, ollama.ResponseError


for make in (openai_chat, openai_responses, anthropic_messages, bedrock_anthropic,
             vertex_anthropic, gemini, bedrock, cohere, ollama):
    call, errors = make()
    for scenario in SCENARIOS:
        for stream in (False, True):
            ask(make.__name__, scenario, stream, call, errors)
