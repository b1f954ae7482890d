//! Builds the dashboard into `OUT_DIR` and writes the table of its files that `lib.rs` includes.
//!
//! `LETSHANG_WEB` decides: `auto` (the default) builds with npm and, where that fails, warns and goes on without a
//! dashboard; `require` fails instead; `skip` does not try; anything else is a folder with a finished build.
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// What the build depends on. Nothing here is written by the build, or cargo would run it again and again.
const SOURCES: [&str; 9] = [
    "src",
    "basemap/world.json",
    "basemap/newyork.json",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "build.rs",
];

/// One served file and where its variants are on disk.
struct Found {
    path: String,
    file: PathBuf,
}

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=LETSHANG_WEB");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let mode = env::var("LETSHANG_WEB").unwrap_or_default();
    let mode = if env::var_os("DOCS_RS").is_some() { "skip" } else { mode.as_str() };
    let folder = match mode {
        "skip" => None,
        "" | "auto" => npm_build(&out.join("web")).map_or_else(
            |why| {
                println!("cargo::warning=no dashboard in this binary: {why} (LETSHANG_WEB=skip silences this)");
                None
            },
            Some,
        ),
        "require" => Some(npm_build(&out.join("web")).map_err(|why| format!("LETSHANG_WEB=require, but {why}"))?),
        folder => {
            println!("cargo::rerun-if-changed={folder}");
            Some(PathBuf::from(folder))
        }
    };
    let files = match &folder {
        Some(folder) => list(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?,
        None => Vec::new(),
    };
    if folder.is_some() && !files.iter().any(|f| f.path == "index.html") {
        return Err(format!("there is no index.html in {}", folder.unwrap_or_default().display()));
    }
    let table = table(&files).map_err(|error| format!("cannot read the built dashboard: {error}"))?;
    fs::write(out.join("embedded.rs"), table).map_err(|error| format!("cannot write embedded.rs: {error}"))
}

/// `npm ci` where the packages are missing or older than the lock file, then `npm run build`.
fn npm_build(to: &Path) -> Result<PathBuf, String> {
    let installed = modified("node_modules/.package-lock.json");
    if installed.is_none() || installed < modified("package-lock.json") {
        npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund"], to)?;
    }
    npm(&["run", "--silent", "build"], to)?;
    Ok(to.to_path_buf())
}

fn modified(path: &str) -> Option<std::time::SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}

fn npm(arguments: &[&str], to: &Path) -> Result<(), String> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let done = Command::new(program)
        .args(arguments)
        .env("LETSHANG_WEB_OUT", to)
        .output()
        .map_err(|error| format!("npm cannot be run: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(if done.stderr.is_empty() { &done.stdout } else { &done.stderr });
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(format!("`npm {}` failed: {last}", arguments.join(" ")))
}

/// Every file of the build except the compressed variants, by its path on the server.
fn list(root: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let file = entry?.path();
            if file.is_dir() {
                folders.push(file);
                continue;
            }
            let variant = file.extension().is_some_and(|e| e == "br" || e == "gz" || e == "map");
            if let (false, Ok(path)) = (variant, file.strip_prefix(root)) {
                let path = path.to_string_lossy().replace('\\', "/");
                found.push(Found { path, file: fs::canonicalize(&file)? });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn table(files: &[Found]) -> io::Result<String> {
    let mut text = format!("const IS_BUILT: bool = {};\nstatic FILES: &[File] = &[\n", !files.is_empty());
    for found in files {
        let hash = fnv1a(&fs::read(&found.file)?);
        // Vite puts a hash of the content into the name of everything below assets/.
        let immutable = found.path.starts_with("assets/");
        let _ = writeln!(
            text,
            "    File {{ path: {:?}, content_type: {:?}, hash: \"{hash:016x}\", immutable: {immutable}, plain: include_bytes!({:?}), br: {}, gz: {} }},",
            found.path,
            content_type(&found.path),
            found.file,
            variant(&found.file, "br"),
            variant(&found.file, "gz"),
        );
    }
    text.push_str("];\n");
    Ok(text)
}

fn variant(file: &Path, extension: &str) -> String {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    if Path::new(&name).is_file() { format!("Some(include_bytes!({name:?}))") } else { "None".to_owned() }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// FNV-1a, 64 bits: enough to tell two builds of a file apart, which is all that an `ETag` does.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
