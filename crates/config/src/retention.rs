//! How long the runs of a project are kept (`retention`).

use std::time::Duration;

use crate::read::Fields;
use crate::value;

/// Which runs `largestack prune` may remove. It is asked for: nothing goes by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Those that were last written so long ago; `None`: of any age.
    pub older_than: Option<Duration>,
    /// So many of the newest stay, whatever their age; `None` where nobody says.
    pub keep: Option<u32>,
    /// Those that were last written so long ago keep less of their events; `None`: all keep all.
    pub compact_after: Option<Duration>,
}

pub(crate) fn read(mut fields: Fields<'_>) -> Retention {
    let retention = Retention {
        older_than: fields.optional("older_than", value::duration),
        keep: fields.optional("keep", value::whole(1, u32::MAX)),
        compact_after: fields.optional("compact_after", value::duration),
    };
    fields.finish();
    retention
}
