//! Chromium and its driver: the ones named by the environment, the ones on the machine, or freshly installed.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::engines;
use crate::project::Project;
use crate::shell::{Shell, output_of};

const BROWSERS: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];

const BROWSER_PLACES: &[&str] = &[
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
    "/snap/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
];

const DRIVER_PLACES: &[&str] = &[
    "/usr/lib/chromium/chromedriver",
    "/usr/lib/chromium-browser/chromedriver",
    "/snap/bin/chromium.chromedriver",
    "/opt/homebrew/bin/chromedriver",
    "/usr/local/bin/chromedriver",
];

const HOW_TO_GET: &str = "install both (Debian: `sudo apt-get install chromium chromium-driver`; elsewhere: Chrome and \
     the matching ChromeDriver from https://googlechromelabs.github.io/chrome-for-testing/) or name them in CHROME and \
     CHROMEDRIVER, and try again";

/// A browser and the driver for it.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) browser: PathBuf,
    pub(crate) driver: PathBuf,
}

impl Browser {
    /// The variables that tests read.
    pub(crate) fn variables(&self) -> [(&'static str, &OsStr); 2] {
        [
            ("CHROME", self.browser.as_os_str()),
            ("CHROMEDRIVER", self.driver.as_os_str()),
        ]
    }
}

/// The machine's browser, installed first where that is possible; Firefox and WebKit come with it.
pub(crate) fn ensure(project: &Project, shell: &mut Shell) -> Result<Browser> {
    let found = find()?;
    let mut packages = engines::missing_packages()?;
    if found.is_none() {
        packages.extend(["chromium", "chromium-driver"]);
    }
    if !packages.is_empty() && is_debian() && is_root(project) {
        let installed = apt_get(project, shell, &packages);
        if let Err(error) = installed {
            if found.is_none() {
                return Err(error);
            }
            shell.say(&format!("  {error:#}: going on without"));
        }
    }
    if let Some(found) = found.map_or_else(find, |found| Ok(Some(found)))? {
        return Ok(found);
    }
    bail!(
        "the browser tests need Chromium or Chrome and ChromeDriver, and they were not found: {HOW_TO_GET}"
    )
}

/// Debian's packages, where they can be installed.
pub(crate) fn install(project: &Project, shell: &mut Shell, packages: &[&str]) -> Result<()> {
    if !is_debian() || !is_root(project) {
        bail!(
            "install it and try again (Debian: `sudo apt-get install {}`)",
            packages.join(" ")
        );
    }
    apt_get(project, shell, packages)
}

/// Installs packages of Debian's.
pub(crate) fn apt_get(project: &Project, shell: &mut Shell, packages: &[&str]) -> Result<()> {
    let heading = format!("installing {}", packages.join(", "));
    shell.section(&heading, |shell| {
        let apt = |args: &[&str]| {
            let mut command = project.command("apt-get");
            command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
            command
        };
        shell.run(&mut apt(&["update", "-q"]), "apt-get update")?;
        let mut install = apt(&["install", "-q", "-y", "--no-install-recommends"]);
        shell.run(install.args(packages), "apt-get install")
    })
}

/// The machine's browser, if it has one and the driver for it.
pub(crate) fn find() -> Result<Option<Browser>> {
    let browser = named("CHROME")?
        .or_else(|| on_path(BROWSERS))
        .or_else(|| existing(BROWSER_PLACES));
    let driver = named("CHROMEDRIVER")?
        .or_else(|| on_path(&["chromedriver"]))
        .or_else(|| existing(DRIVER_PLACES));
    Ok(browser
        .zip(driver)
        .map(|(browser, driver)| Browser { browser, driver }))
}

/// The file that an environment variable names.
pub(crate) fn named(variable: &str) -> Result<Option<PathBuf>> {
    let Some(path) = env::var_os(variable)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
    else {
        return Ok(None);
    };
    if !path.is_file() {
        bail!(
            "{variable} names {}, which is not a file: correct or unset it and try again",
            path.display()
        );
    }
    Ok(Some(path))
}

/// The first of these programs that is on the PATH.
pub(crate) fn on_path(names: &[&str]) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    names.iter().find_map(|name| {
        env::split_paths(&folders)
            .map(|folder| folder.join(name).with_extension(env::consts::EXE_EXTENSION))
            .find(|path| path.is_file())
    })
}

/// The first of these files that is there.
pub(crate) fn existing(places: &[&str]) -> Option<PathBuf> {
    places.iter().map(PathBuf::from).find(|path| path.is_file())
}

pub(crate) fn is_debian() -> bool {
    fs::read_to_string(Path::new("/etc/os-release"))
        .is_ok_and(|text| text.lines().any(|line| line == "ID=debian"))
}

pub(crate) fn is_root(project: &Project) -> bool {
    output_of(project.command("id").arg("-u")).is_ok_and(|id| id == "0")
}
