//! The report in the form that JUnit's Ant task writes and build servers read.

use largestack_types::errors::{Code, LargestackError, Result};
use quick_xml::Writer;
use quick_xml::events::BytesText;

/// A case, and what was wrong with it; nothing where it passed.
pub(crate) struct Case {
    /// Its name.
    pub(crate) name: String,
    /// What was wrong, the worst first.
    pub(crate) failures: Vec<String>,
}

/// The report about a suite.
pub(crate) fn report(suite: &str, cases: &[Case]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let written = write(suite, cases, &mut Writer::new_with_indent(&mut bytes, b' ', 2));
    written.map_err(|error| {
        LargestackError::other(Code::Unknown, format!("the report cannot be written: {error}"))
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn write(suite: &str, cases: &[Case], writer: &mut Writer<&mut Vec<u8>>) -> std::io::Result<()> {
    let failed = cases.iter().filter(|case| !case.failures.is_empty()).count().to_string();
    let tests = cases.len().to_string();
    let counts = [("name", suite), ("tests", &tests), ("failures", &failed)];
    let element = writer.create_element("testsuite").with_attributes(counts);
    element.write_inner_content(|writer| {
        for case in cases {
            let names = [("classname", suite), ("name", &*case.name)];
            let element = writer.create_element("testcase").with_attributes(names);
            let Some(message) = case.failures.first() else {
                element.write_empty()?;
                continue;
            };
            element.write_inner_content(|writer| {
                let failure = writer.create_element("failure");
                let failure = failure.with_attribute(("message", message.as_str()));
                failure.write_text_content(BytesText::new(&case.failures.join("\n")))?;
                Ok(())
            })?;
        }
        Ok(())
    })?;
    Ok(())
}
