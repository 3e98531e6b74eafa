//! Scripts that want more than they may, in each language: each ends by itself, soon, and says why.

use largestack_code::Language::{self, Javascript, Python};

use crate::world::{ended, languages, mistake};

/// Each script of a language that is built must be stopped with words like these.
async fn stopped(cases: &[(Language, &str, &str)]) {
    let here = languages();
    for (language, code, expected) in cases.iter().filter(|(language, ..)| here.contains(language))
    {
        let (message, _) = mistake(*language, code).await;
        assert!(message.contains(expected), "{language:?} {code}: {message}");
    }
}

#[tokio::test]
async fn a_script_that_does_not_end_is_stopped() {
    stopped(&[
        (Python, "while True: pass", "time limit"),
        (
            Python,
            "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
            "time limit",
        ),
        (Javascript, "while (true) {}", "more than 2s"),
        (Javascript, "while (1) { try { while (1) {} } catch {} finally {} }", "more than 2s"),
        (Javascript, "Object.prototype.toJSON = () => { while (true) {} }; ({})", "more than 2s"),
        (Javascript, "await new Promise(() => {})", "nobody brings"),
        (Javascript, "for (;;) await 0", "more than 2s"),
    ])
    .await;
}

#[tokio::test]
async fn a_pattern_that_explodes_is_stopped() {
    stopped(&[(Javascript, "/(a+)+$/.test('a'.repeat(40) + 'b')", "more than 2s")]).await;
    if languages().contains(&Python) {
        // This engine of patterns gives up by itself, or finds nothing at once.
        let code = "import re\nre.match('(a+)+$', 'a' * 40 + 'b') is None";
        let ended = ended(Python, code).await;
        assert!(ended.error.is_some() || ended.value == true, "{ended:?}");
    }
}

#[tokio::test]
async fn memory_has_an_end() {
    stopped(&[
        (Python, "'x' * 10 ** 10", "memory limit"),
        (Python, "l = []\nwhile True: l.append('x' * 1000)", "bytes of memory"),
        (Python, "2 ** 10 ** 10", "memory limit"),
        (Javascript, "'x'.repeat(2 ** 30)", "invalid string length"),
        (Javascript, "''.padEnd(2 ** 29)", "out of memory"),
        (Javascript, "const l = []; while (true) l.push('x'.repeat(1000) + l.length)", "memory"),
        (Javascript, "new ArrayBuffer(2 ** 33)", "invalid array buffer length"),
    ])
    .await;
}

#[tokio::test]
async fn recursion_has_an_end() {
    let brackets = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    stopped(&[
        (Python, "def f(): f()\nf()", "RecursionError"),
        (Python, &brackets, "nested"),
        (Python, "import json\njson.loads('[' * 100000)", "recursion limit"),
        (Python, "a = []\nfor i in range(100000): a = [a]\na", "64 levels"),
        (Javascript, "function f() { f() }\nf()", "call stack"),
        (Javascript, &brackets, "stack"),
        (Javascript, "JSON.parse('['.repeat(100000))", "call stack"),
        (Javascript, "let a = []; for (let i = 0; i < 100000; i++) a = [a]; a", "call stack"),
        (Javascript, "let a = []; for (let i = 0; i < 64; i++) a = [a]; a", "64 levels"),
        (Javascript, "let a = []; for (let i = 0; i < 125; i++) a = [a]; a", "64 levels"),
        (Javascript, "let a = []; for (let i = 0; i < 200; i++) a = [a]; a", "64 levels"),
        (Python, "a = []\nfor i in range(64): a = [a]\na", "64 levels"),
    ])
    .await;
}

#[tokio::test]
async fn output_has_an_end_that_no_script_gets_around() {
    stopped(&[
        (Python, "while True: print('x' * 100)", "printed more than 4096"),
        (
            Python,
            "try:\n  while True: print('x' * 100)\nexcept BaseException: pass\n1",
            "printed more",
        ),
        (Python, "'x' * 5000", "5002 bytes as JSON"),
        (Python, "2 ** 10000000", "bits"),
        (Javascript, "while (true) console.log('x'.repeat(100))", "printed more than 4096"),
        (
            Javascript,
            "try { while (true) console.log('x'.repeat(100)) } catch {} ; 1",
            "printed more",
        ),
        (Javascript, "'x'.repeat(5000)", "5002 bytes as JSON"),
    ])
    .await;
}

#[tokio::test]
async fn just_as_much_output_as_may_be_is_told() {
    for language in languages() {
        let (print, value) = match language {
            Python => ("print('x' * 4095)", "'x' * 4094"),
            Javascript => ("console.log('x'.repeat(4095))", "'x'.repeat(4094)"),
        };
        let printed = ended(language, print).await;
        assert_eq!((printed.error, printed.output.len()), (None, 4096), "{language:?}");
        assert_eq!(ended(language, value).await.error, None, "{language:?}");
    }
}

#[tokio::test]
async fn there_are_no_files_programs_hosts_variables_modules_or_clock() {
    let absent = "no files, network, environment or clock";
    stopped(&[
        (Python, "open('/etc/passwd')", absent),
        (Python, "from pathlib import Path\nPath('/etc/passwd').read_text()", absent),
        (Python, "import os\nos.environ", absent),
        (Python, "import os\nos.getenv('PATH')", absent),
        (Python, "import os\nos.listdir('/')", absent),
        (Python, "import os\nos.system('ls')", "no attribute"),
        (Python, "import subprocess", "No module"),
        (Python, "import socket", "No module"),
        (Python, "import ctypes", "No module"),
        (Python, "__import__('os').system('ls')", "not defined"),
        (Python, "eval('1 + 1')", "not defined"),
        (Python, "exec('1')", "not defined"),
        (Python, "import datetime\ndatetime.datetime.now()", absent),
        (Python, "import time", "No module"),
        (Javascript, "require('fs')", "not defined"),
        (Javascript, "process.env", "not defined"),
        (Javascript, "fetch('http://127.0.0.1')", "not defined"),
        (Javascript, "await import('fs')", "could not load"),
        (Javascript, "await import('/etc/passwd')", "could not load"),
        (Javascript, "std.open('/etc/passwd', 'r')", "not defined"),
        (Javascript, "os.exec(['ls'])", "not defined"),
        (Javascript, "new Worker('x')", "not defined"),
        (Javascript, "Date.now()", "no clock"),
        (Javascript, "new Date()", "no clock"),
        (Javascript, "Date()", "no clock"),
        (Javascript, "new (new Date(0).constructor)()", "no clock"),
        (Javascript, "class D extends Date {}; new D()", "no clock"),
        (Javascript, "Reflect.construct(Date, [], Object)", "no clock"),
        (Javascript, "performance.now()", "not defined"),
    ])
    .await;
}

#[tokio::test]
async fn tricks_with_classes_and_prototypes_reach_nothing() {
    stopped(&[
        (Python, "().__class__.__bases__[0].__subclasses__()", "no attribute"),
        (Python, "(lambda: 0).__globals__", "no attribute"),
        (Python, "search.__globals__", "no attribute"),
        (Javascript, "search.constructor('return process')()", "not defined"),
        (Javascript, "[].constructor.constructor('return require')()", "not defined"),
    ])
    .await;
    if languages().contains(&Javascript) {
        let evaluated = ended(Javascript, "eval('1 + 1') + new Function('return 2')()").await;
        assert_eq!(evaluated.value, 4, "what it evaluates is as shut in as it is");
        // What a script does to what everything is made of, it does to itself.
        for code in [
            "Object.prototype.value = 7; 5",
            "Object.prototype.then = 7; 5",
            "Array.prototype.map = () => { throw 1 }; console.log('a'); 5",
            "JSON.stringify = () => 'gone'; Promise = null; globalThis.console = null; 5",
            "Error.prepareStackTrace = () => { throw 1 }; 5",
        ] {
            let ended = ended(Javascript, code).await;
            assert!(ended.value == 5 || ended.error.is_some(), "{code}: {ended:?}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_line() {
    let here = languages();
    for (language, code, expected, line) in [
        (Python, "x = 1\ny = 0\nx / y", "ZeroDivisionError: division by zero", 3),
        (Python, "def f():\n  return nope\n\nf()", "NameError: name 'nope' is not defined", 2),
        (Python, "x = 1\ndef", "SyntaxError", 2),
        (Javascript, "const x = 1;\nconst y = null;\ny.z", "TypeError", 3),
        (Javascript, "\nthrow new RangeError('no')", "RangeError: no", 2),
        (Javascript, "\n\n(", "SyntaxError", 3),
    ] {
        if here.contains(&language) {
            let (message, at) = mistake(language, code).await;
            assert!(message.contains(expected), "{code}: {message}");
            assert_eq!(at, Some(line), "{code}: {message}");
        }
    }
}
