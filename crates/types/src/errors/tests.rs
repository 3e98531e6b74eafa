use super::*;

#[test]
fn an_error_prints_message_suggestion_and_docs() {
    let error = LargestackError::from(ProviderAuthError {
        provider: "openai".into(),
        detail: String::new(),
        key_variable: "LARGESTACK_OPENAI_API_KEY".into(),
    });
    assert_eq!(
        error.to_string(),
        "openai API key invalid\n  Suggestion: Set: export LARGESTACK_OPENAI_API_KEY=...\n  \
         Docs: https://largestack.ai/docs/errors/LARGESTACK_PROVIDER_AUTH"
    );
}

#[test]
fn errors_read_back_from_a_journal_as_they_were() {
    let budget = BudgetExceededError {
        scope: "run".into(),
        committed: Money::from_nanos(1),
        needed: Money::from_nanos(2),
        budget: Money::from_nanos(2),
    };
    let errors = [
        LargestackError::from(budget),
        LargestackError::with_advice(Code::Store, "disk full", "free some space"),
        AllProvidersFailedError {
            attempts: vec![("a/b".into(), LargestackError::other(Code::Provider, "x"))],
        }
        .into(),
    ];
    for error in errors {
        let text = serde_json::to_string(&error).unwrap();
        let back: LargestackError = serde_json::from_str(&text).unwrap();
        assert_eq!(back, error);
        assert_eq!(back.to_string(), error.to_string());
    }
}

#[test]
fn a_rate_limit_is_retryable_and_an_exhausted_quota_is_not() {
    let error = |exhausted| ProviderRateLimitError {
        provider: "openai".into(),
        detail: "slow down".into(),
        retry_after_ms: Some(20),
        exhausted,
    };
    assert!(LargestackError::from(error(false)).retryable());
    assert!(!LargestackError::from(error(true)).retryable());
}

#[test]
fn a_guardrail_error_names_its_guard() {
    let error = LargestackError::from(GuardrailBlockedError {
        guard_type: "secrets".into(),
        detail: "an API key in the input".into(),
    });
    assert_eq!(error.guard_type(), Some("secrets"));
    assert_eq!(error.code(), Code::Guardrail);
    assert_eq!(LargestackError::other(Code::Input, "x").guard_type(), None);
}

#[test]
fn an_other_error_keeps_its_own_code() {
    let error = LargestackError::other(Code::Conflict, "run is held by process 7");
    assert_eq!(error.code(), Code::Conflict);
    assert!(error.retryable());
    assert!(error.to_string().ends_with("LARGESTACK_CONFLICT"));
}

#[test]
fn an_error_reduced_to_its_contract_stays_as_retryable_as_it_was() {
    let transient = |transient| ProviderError {
        provider: "openai".into(),
        status: Some(503),
        detail: "overloaded".into(),
        provider_code: None,
        request_id: None,
        transient,
    };
    for retryable in [true, false] {
        let reduced = LargestackError::from_coded(&transient(retryable));
        assert_eq!(reduced.code(), Code::Provider);
        assert_eq!(reduced.retryable(), retryable);
        let text = serde_json::to_string(&reduced).unwrap();
        let back: LargestackError = serde_json::from_str(&text).unwrap();
        assert_eq!((back.retryable(), &back), (retryable, &reduced));
    }
}

#[test]
fn an_error_that_was_written_before_retries_were_is_read_with_those_of_its_code() {
    let old =
        r#"{"OtherError":{"code":"LARGESTACK_CONFLICT","detail":"held","advice":null,"run":null}}"#;
    let read: LargestackError = serde_json::from_str(old).unwrap();
    assert!(read.retryable());
    assert_eq!(read, LargestackError::other(Code::Conflict, "held"));
}

#[test]
fn when_everybody_failed_each_cause_says_what_happened() {
    let failed =
        |model: &str, code, detail: &str| (model.into(), LargestackError::other(code, detail));
    let all = AllProvidersFailedError {
        attempts: vec![
            failed("a/b", Code::Provider, "overloaded"),
            failed("c/d", Code::ProviderTimeout, "nothing within 10 ms"),
        ],
    };
    assert_eq!(
        all.message(),
        "All providers failed: a/b (LARGESTACK_PROVIDER): overloaded; \
         c/d (LARGESTACK_PROVIDER_TIMEOUT): nothing within 10 ms"
    );
}

#[test]
fn a_denied_call_says_whether_it_is_the_tool_or_its_arguments() {
    let denied = |arguments: Option<&str>| ToolPermissionError {
        tool: "pay".into(),
        agent: "clerk".into(),
        arguments: arguments.map(str::to_owned),
    };
    assert_eq!(denied(None).message(), "Agent clerk may not use tool pay");
    assert!(denied(None).suggestion().contains("allow list"));
    assert!(denied(Some("- /n: 51 is more than 50")).message().contains("51 is more"));
    assert!(denied(Some("")).suggestion().contains("rules for the arguments"));
}
