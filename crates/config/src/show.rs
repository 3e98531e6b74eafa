//! Values as a configuration file would write them, for `config explain`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use largestack_types::json::Json;
use largestack_types::money::Money;

/// A value that can be shown in one line.
pub(crate) trait Show {
    fn show(&self) -> String;
}

/// Texts longer than this are cut when shown.
const LONGEST: usize = 80;

impl Show for str {
    fn show(&self) -> String {
        let line: String = self.chars().take(LONGEST).collect();
        let dots = if line.len() < self.len() { " .." } else { "" };
        format!("{}{dots}", line.replace('\n', "\\n").trim_end())
    }
}

impl Show for String {
    fn show(&self) -> String {
        self.as_str().show()
    }
}

impl Show for Arc<str> {
    fn show(&self) -> String {
        (**self).show()
    }
}

macro_rules! plain {
    ($($type:ty),+) => {
        $(impl Show for $type {
            fn show(&self) -> String { self.to_string() }
        })+
    };
}
plain!(bool, u32, i64, f64, Money);

impl Show for Duration {
    fn show(&self) -> String {
        largestack_types::duration::show(*self)
    }
}

impl Show for Json {
    fn show(&self) -> String {
        self.as_str().show()
    }
}

impl<T: Show> Show for Option<T> {
    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), Show::show)
    }
}

impl<T: Show> Show for Vec<T> {
    fn show(&self) -> String {
        let items: Vec<_> = self.iter().map(Show::show).collect();
        format!("[{}]", items.join(", "))
    }
}

impl<T: Show> Show for BTreeSet<T> {
    fn show(&self) -> String {
        let items: Vec<_> = self.iter().map(Show::show).collect();
        format!("[{}]", items.join(", "))
    }
}
