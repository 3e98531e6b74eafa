//! Exit codes: one for each kind of error, and two for runs that ended short of an answer
//! without being errors.

use largestack_engine::Status;
use largestack_types::errors::{Coded, LargestackError};

/// Everything went well.
pub(crate) const DONE: u8 = 0;
/// `doctor` or `check` found something broken, a case of `test` was not as expected, `guard` found
/// something, or `redteam` did not reach its bar.
pub(crate) const BROKEN: u8 = 1;
/// A policy said no: what `guard` scanned must not go on.
pub(crate) const DENIED: u8 = 4;
/// The answer was cut short: by a limit, a filter or the model's own output limit.
pub(crate) const INCOMPLETE: u8 = 10;
/// The run waits for an answer from outside.
pub(crate) const SUSPENDED: u8 = 11;
/// The run was cancelled.
pub(crate) const CANCELLED: u8 = 130;

/// The lines that `--help` ends with.
pub(crate) const HELP: &str = "\
Exit codes:
   0  done                        6  conflict: held or changed by another
   1  internal error              7  a limit, budget or rate was reached
   2  wrong input, configuration  8  another system or the store failed
      or usage                    9  another system did not answer in time
   3  credentials                10  the run ended incomplete: it has an answer, cut short
   4  denied by a policy or      11  the run is suspended: it waits for an answer
      the kill switch           130  cancelled
   5  not found

`largestack explain CODE` says more about an error.";

/// The exit code of an error.
pub(crate) fn of_error(error: &LargestackError) -> u8 {
    error.code().kind().exit_code()
}

/// The exit code of a run's end.
pub(crate) fn of_run(status: Status, error: Option<&LargestackError>) -> u8 {
    match (status, error) {
        (Status::Completed, _) => DONE,
        (Status::Incomplete, _) => INCOMPLETE,
        (Status::Suspended, _) => SUSPENDED,
        (Status::Failed | Status::Cancelled, Some(error)) => of_error(error),
        (Status::Cancelled, None) => CANCELLED,
        (Status::Failed | Status::Running, _) => BROKEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_types::errors::{Code, Kind};

    #[test]
    fn every_kind_of_error_has_an_exit_code_of_its_own_and_the_help_names_it() {
        let mut codes: Vec<(u8, Kind)> = Vec::new();
        for code in Code::ALL {
            let kind = code.kind();
            if codes.iter().all(|(_, known)| *known != kind) {
                codes.push((kind.exit_code(), kind));
            }
        }
        for (exit, kind) in &codes {
            assert_eq!(codes.iter().filter(|(other, _)| other == exit).count(), 1, "{kind:?}");
            assert!(HELP.contains(&format!(" {exit}  ")), "{kind:?} is {exit}");
        }
        for own in [DONE, INCOMPLETE, SUSPENDED] {
            assert!(codes.iter().all(|(exit, _)| *exit != own), "{own}");
            assert!(HELP.contains(&format!(" {own}  ")), "{own}");
        }
    }

    #[test]
    fn a_run_ends_with_the_code_of_its_status_or_error() {
        let error = LargestackError::other(Code::Budget, "gone");
        assert_eq!(of_run(Status::Completed, None), 0);
        assert_eq!(of_run(Status::Incomplete, None), 10);
        assert_eq!(of_run(Status::Suspended, None), 11);
        assert_eq!(of_run(Status::Cancelled, None), 130);
        assert_eq!(of_run(Status::Failed, Some(&error)), 7);
    }
}
