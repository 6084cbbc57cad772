//! Programs that a stock machine may lack.

use std::path::PathBuf;

use crate::Result;
use crate::process::{command, succeeds};
use crate::{debian, workspace};

/// A tool, how to see whether it works, and the Debian package that brings it.
struct Tool {
    package: &'static str,
    purpose: &'static str,
    works: fn() -> bool,
}

const TOOLS: [Tool; 6] = [
    Tool {
        package: "g++",
        purpose: "the C and C++ faces",
        works: || succeeds(command("g++").arg("--version")),
    },
    Tool {
        package: "g++-multilib",
        purpose: "the tests of 32-bit peers (-m32)",
        works: || cfg!(not(target_arch = "x86_64")) || compiles_for_32_bits(),
    },
    Tool {
        package: "clang",
        purpose: "the C++ face under a second compiler",
        works: || succeeds(command("clang++").arg("--version")),
    },
    Tool {
        package: "libclang-rt-14-dev",
        purpose: "clang's sanitizers, which clang only recommends",
        works: clang_has_sanitizers,
    },
    Tool {
        package: "pkg-config",
        purpose: "the pkg-config file of the C face",
        works: || succeeds(command("pkg-config").arg("--version")),
    },
    Tool {
        package: "cmake",
        purpose: "the CMake package",
        works: || succeeds(command("cmake").arg("--version")),
    },
];

/// Installs what is missing where that is possible. Says what stays missing, and the command that
/// installs it; nothing: all is there.
pub fn install_missing() -> Result<Option<String>> {
    let missing: Vec<&Tool> = TOOLS.iter().filter(|tool| !(tool.works)()).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    for tool in &missing {
        println!("{} is missing: {}", tool.package, tool.purpose);
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    if !succeeds(command("apt-get").arg("--version")) {
        return Ok(Some(format!(
            "install {} with this system's package manager",
            packages.join(", ")
        )));
    }
    if !debian::is_root() {
        return Ok(Some(format!("run `{}`", debian::by_hand(&packages))));
    }
    debian::install(&packages)?;
    let still: Vec<&str> = missing
        .iter()
        .filter(|tool| !(tool.works)())
        .map(|tool| tool.package)
        .collect();
    if still.is_empty() {
        Ok(None)
    } else {
        Err(format!(
            "installed, but still not working: {}",
            still.join(", ")
        ))
    }
}

/// A scratch directory under the target directory.
pub fn scratch(name: &str) -> Result<PathBuf> {
    let path = workspace::target().join("xtask").join(name);
    std::fs::create_dir_all(&path).map_err(|e| format!("cannot make {}: {e}", path.display()))?;
    Ok(path)
}

/// The headers being there says nothing: only a whole program tells.
fn compiles_for_32_bits() -> bool {
    compiles("m32", "g++", "-m32")
}

fn clang_has_sanitizers() -> bool {
    compiles("clang-asan", "clang++", "-fsanitize=address,undefined")
}

/// Whether a program of the standard library's is compiled and linked with this flag.
fn compiles(name: &str, compiler: &str, flag: &str) -> bool {
    let Ok(scratch) = scratch(name) else {
        return false;
    };
    let source = scratch.join("probe.cpp");
    let program =
        "#include <string>\nint main() { return static_cast<int>(std::string().size()); }\n";
    std::fs::write(&source, program).is_ok()
        && succeeds(
            command(compiler)
                .arg(flag)
                .arg(&source)
                .arg("-o")
                .arg(scratch.join("probe")),
        )
}
