//! Embeds the Lua scripts: each `lua/<area>/<name>-<keys>.lua`, with its includes expanded and its SHA-1 computed,
//! becomes a static of `OUT_DIR/scripts.rs`. A script that breaks the conventions of `lua/README.md` fails the build.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

const INCLUDE: &str = "--- @include \"";

fn main() {
    println!("cargo::rerun-if-changed=lua");
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("lua");
    let target = PathBuf::from(variable("OUT_DIR")).join("scripts.rs");
    let code = embed(&root).unwrap_or_else(|problem| panic!("{problem}"));
    fs::write(&target, code).unwrap_or_else(|error| panic!("{}: {error}", target.display()));
    if env::var_os("CARGO_FEATURE_NODE").is_some() {
        napi_build::setup();
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}

/// The Rust source with one static per script, in the order of their names.
fn embed(root: &Path) -> Result<String, String> {
    let mut code = String::new();
    let mut all = Vec::new();
    for area in list(root)?.into_iter().filter(|path| path.is_dir() && stem(path) != "include") {
        for path in list(&area)? {
            let (name, keys) = split_name(&path)?;
            let mut source = String::new();
            expand(root, &path, &mut source, &mut Vec::new(), &mut BTreeSet::new())?;
            check_head(&path, &source, keys)?;
            let sha = sha1_smol::Sha1::from(&source).digest().to_string();
            let name = format!("{}/{name}", stem(&area));
            let constant = constant_name(&name);
            writeln!(
                code,
                "/// `lua/{name}-{keys}.lua`\npub static {constant}: Script =\n    \
                 Script {{ name: {name:?}, source: {source:?}, sha: {sha:?}, keys: {keys} }};"
            )
            .map_err(|error| error.to_string())?;
            all.push(format!("&{constant}"));
        }
    }
    let all = all.join(", ");
    Ok(format!("{code}/// Every script.\npub static ALL: &[&Script] = &[{all}];\n"))
}

/// Appends the script to `out`, each include in place of the line that asks for it, and once only.
fn expand(
    root: &Path,
    path: &Path,
    out: &mut String,
    open: &mut Vec<PathBuf>,
    done: &mut BTreeSet<PathBuf>,
) -> Result<(), String> {
    if open.iter().any(|other| other == path) {
        return Err(format!("{}: includes itself", path.display()));
    }
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    open.push(path.to_owned());
    for line in text.lines() {
        let Some(include) = line.strip_prefix(INCLUDE) else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let include = include
            .strip_suffix('"')
            .ok_or_else(|| format!("{}: an include must end with a quote", path.display()))?;
        let include = root.join("include").join(format!("{include}.lua"));
        if open.contains(&include) || !done.contains(&include) {
            expand(root, &include, out, open, done)?;
        }
    }
    open.pop();
    done.insert(path.to_owned());
    Ok(())
}

/// Requires the head comment to name every key, and every argument that the script reads by number.
fn check_head(path: &Path, source: &str, keys: usize) -> Result<(), String> {
    let lines = || source.lines().map(str::trim_start);
    let head: String = lines().take_while(|line| line.starts_with("--")).collect();
    let body: String = lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n");
    let undocumented = |name: &str| format!("{}: the head comment does not name {name}", path.display());
    for n in 1..=keys {
        let name = format!("KEYS[{n}]");
        if !head.contains(&name) {
            return Err(undocumented(&name));
        }
    }
    for kind in ["KEYS", "ARGV"] {
        for rest in body.split(&format!("{kind}[")).skip(1) {
            let number = &rest[..rest.find(']').unwrap_or(0)];
            let name = format!("{kind}[{number}]");
            if number.parse::<usize>().is_ok() && !head.contains(&name) {
                return Err(undocumented(&name));
            }
        }
    }
    Ok(())
}

/// `fetchNextJob-1.lua` is the script `fetchNextJob` with one key.
fn split_name(path: &Path) -> Result<(String, usize), String> {
    let bad = || format!("{}: a script is named <name>-<number of keys>.lua", path.display());
    let stem = stem(path);
    let (name, keys) = stem.rsplit_once('-').ok_or_else(bad)?;
    let keys = keys.parse().map_err(|_| bad())?;
    if path.extension().is_none_or(|extension| extension != "lua") {
        return Err(bad());
    }
    Ok((name.to_owned(), keys))
}

/// `conveyor/fetchNextJob` becomes `CONVEYOR_FETCH_NEXT_JOB`.
fn constant_name(name: &str) -> String {
    let mut constant = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            constant.push('_');
        }
        constant.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' });
    }
    constant
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    paths.sort();
    Ok(paths)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
