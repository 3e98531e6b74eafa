//! Landlock: what the root holds, said once more by another part of the kernel, and signals and
//! abstract sockets with it where the kernel knows them.

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, Scope, path_beneath_rules,
};

use super::plan::Plan;
use super::root;

/// What has to be there (Linux 6.2): from here on files cannot be cut short either.
const LEAST: ABI = ABI::V3;
/// What is used where it is there.
const MOST: ABI = ABI::V6;

/// Puts the rules on. Rights are added, and only for what is named: whatever else there is has none.
pub(super) fn restrict(plan: &Plan) -> Result<(), RulesetError> {
    let (reads, all) = (AccessFs::from_read(MOST), AccessFs::from_all(MOST));
    let devices = AccessFs::ReadFile | AccessFs::WriteFile;
    let processes = AccessFs::ReadFile | AccessFs::ReadDir;
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(LEAST))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .scope(Scope::from_all(MOST))?
        .create()?
        .add_rules(path_beneath_rules(root::readable(plan), reads))?
        .add_rules(path_beneath_rules(&plan.writes, all))?
        .add_rules(path_beneath_rules([root::TEMPORARY], all))?
        .add_rules(path_beneath_rules(root::DEVICES, devices))?
        .add_rules(path_beneath_rules(["/proc"], processes))?
        .restrict_self()
        .map(|_| ())
}
