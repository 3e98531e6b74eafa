//! What the product costs to build and to carry: CPU seconds of a cold release build, and the size
//! of the stripped binary.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::measure::{children_cpu, wall};
use crate::report::{Aim, Ratio, Report, Row};
use crate::{Outcome, run};

/// CPU seconds that a cold release build may take.
const BUILD_SECONDS: f64 = 900.0;
/// Megabytes (10^6 bytes) that the stripped binary may have.
const BINARY_MEGABYTES: f64 = 30.0;

/// Builds the product from nothing in a folder of its own and measures it.
pub(crate) fn measure(root: &Path, target: &Path) -> Outcome<Report> {
    let folder = target.join("budget");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let before = children_cpu()?;
    let ((), elapsed) = wall(|| {
        run(Command::new("cargo")
            .args(["build", "--release", "--locked", "--target-dir"])
            .arg(&folder)
            .current_dir(root))
    })?;
    let cpu = children_cpu()?.saturating_sub(before).as_secs_f64();
    let binary = folder.join("release").join(format!("largestack{}", std::env::consts::EXE_SUFFIX));
    let megabytes = fs::metadata(&binary)?.len().div_ceil(1_000);
    // Kilobytes of a binary fit an f64 exactly by a wide margin.
    let megabytes = f64::from(u32::try_from(megabytes)?) / 1_000.0;
    fs::remove_dir_all(&folder)?;
    let rows = vec![
        Row::of("cold release build, CPU time", "s", &[cpu]),
        Row::of("cold release build, wall clock", "s", &[elapsed.as_secs_f64()]),
        Row::of("stripped binary", "MB", &[megabytes]),
    ];
    let ratios = vec![
        Ratio::new("cold release build, CPU seconds", cpu, Aim::AtMost(BUILD_SECONDS)),
        Ratio::new("stripped binary, MB", megabytes, Aim::AtMost(BINARY_MEGABYTES)),
    ];
    Ok(Report::new("budget", 1, rows, ratios))
}
