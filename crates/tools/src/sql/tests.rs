use super::*;

fn of(text: &str) -> Result<String, String> {
    question(text, Dialect::Postgres)
}

#[test]
fn questions_pass_in_both_dialects() {
    for text in [
        "SELECT a, count(*) FROM t WHERE b > 1 GROUP BY a ORDER BY 2 DESC LIMIT 5",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "VALUES (1, 'a'), (2, 'b')",
        "SELECT a FROM t UNION ALL SELECT b FROM u",
        "SELECT 'DROP TABLE t; --'",
    ] {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            assert!(question(text, dialect).is_ok(), "{text}");
        }
    }
    assert_eq!(of("select 1 -- ; drop table t").unwrap(), "SELECT 1", "a comment goes nowhere");
}

#[test]
fn nothing_else_does() {
    for text in [
        "",
        ";",
        "DROP TABLE t",
        "DELETE FROM t",
        "UPDATE t SET a = 1",
        "INSERT INTO t VALUES (1)",
        "SELECT 1; DROP TABLE t",
        "SELECT 1; SELECT 2",
        "ATTACH DATABASE 'x' AS y",
        "PRAGMA query_only = 0",
        "EXPLAIN ANALYZE DELETE FROM t",
        "COPY t TO PROGRAM 'sh'",
        "SELECT * INTO u FROM t",
        "SELECT * FROM t FOR UPDATE",
        "BEGIN",
        "SET ROLE admin",
        "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
        "CALL f()",
        "VACUUM",
        "SELECT (",
        "GRANT ALL ON t TO u",
    ] {
        assert!(of(text).is_err(), "{text}");
        assert!(question(text, Dialect::Sqlite).is_err(), "{text}");
    }
}

#[test]
fn a_statement_has_a_length_at_most() {
    let long = |length: usize| format!("SELECT '{}'", "x".repeat(length - 9));
    assert!(of(&long(MAX_STATEMENT)).is_ok() && of(&long(MAX_STATEMENT + 1)).is_err());
}
