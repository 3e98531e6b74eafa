//! The suite over the journal in memory and the one on disk.

use std::sync::Arc;

use largestack_ports::journal::{Journal, MemoryJournal};

use crate::{fixture, suite};

fn check(law: fn(&Arc<dyn Journal>)) {
    law(&(Arc::new(MemoryJournal::default()) as Arc<dyn Journal>));
    let folder = tempfile::tempdir().unwrap();
    law(&(Arc::new(fixture::open(folder.path())) as Arc<dyn Journal>));
}

macro_rules! laws {
    ($($law:ident)+) => {$(
        #[test]
        fn $law() {
            check(suite::$law);
        }
    )+};
}

laws! {
    what_is_appended_is_read_back_in_order
    a_batch_that_does_not_follow_is_refused_whole
    a_run_has_one_holder_and_the_refusal_names_it
    claiming_again_makes_the_older_lease_useless
    costs_add_up_exactly
    a_total_beyond_the_range_of_money_is_an_error
    the_last_line_of_a_run_wins_and_lists_begin_with_the_newest
    bytes_of_a_batch_are_found_by_their_hash
    tenants_see_nothing_of_each_other
}
