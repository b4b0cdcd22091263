//! Firefox and WebKit with their drivers: named by the environment, on the machine, or freshly made. What cannot be had is told
//! with the reason, so that its tests are skipped by name.

use std::env;
use std::fmt;
use std::path::PathBuf;

use anyhow::Result;

use crate::browser::{existing, named, on_path};
use crate::project::Project;
use crate::shell::Shell;
use crate::tools;

/// A browser engine beside Chromium's.
#[derive(Clone, Copy)]
pub(crate) enum Engine {
    Firefox,
    WebKit,
}

/// Whether tests can run in an engine.
pub(crate) enum Found {
    /// With the variables that tests read.
    Here(Vec<(&'static str, PathBuf)>),
    /// Or why they cannot.
    Missing(String),
}

/// Chooses the engine of the tests that cargo runs: `firefox`, `webkit`; without it Chromium.
pub(crate) const ENGINE: &str = "STILLHERE_ENGINE";

const GECKODRIVER: &str = "0.37.1";

const FIREFOX_PLACES: &[&str] = &[
    "/Applications/Firefox.app/Contents/MacOS/firefox",
    r"C:\Program Files\Mozilla Firefox\firefox.exe",
];

const GECKODRIVER_PLACES: &[&str] = &["/snap/bin/geckodriver", "/opt/homebrew/bin/geckodriver"];

const WEBKIT_DRIVER_PLACES: &[&str] = &[
    "/usr/lib/webkit2gtk-4.1/WebKitWebDriver",
    "/usr/libexec/webkit2gtk-4.1/WebKitWebDriver",
];

const NO_BLOBS: &str = "an automated WebKit's database takes no Blob: what is kept stays uncompressed until it is sent";

const UNABLE_IN_WEBKIT: &[(&str, &str)] = &[
    (
        "what_could_not_be_sent_goes_when_the_network_is_back",
        NO_BLOBS,
    ),
    (
        "a_session_that_is_disposed_of_leaves_its_record_and_nothing_else",
        NO_BLOBS,
    ),
    ("disposed_of_while_an_upload_is_under_way", NO_BLOBS),
];

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Firefox, Self::WebKit];

    /// As [`ENGINE`] names it.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        }
    }

    /// What the machine has of it.
    pub(crate) fn find(self, project: &Project) -> Result<Found> {
        match self {
            Self::Firefox => find_firefox(project),
            Self::WebKit => find_webkit(),
        }
    }

    /// Tests of the client that cannot pass in it without a window, and why.
    pub(crate) fn unable(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Firefox => &[],
            Self::WebKit => UNABLE_IN_WEBKIT,
        }
    }

    /// As `find`, and what cargo can make is made. Debian's packages come with those of Chromium.
    pub(crate) fn ensure(self, project: &Project, shell: &mut Shell) -> Result<Found> {
        if matches!(self, Self::Firefox)
            && firefox()?.is_some()
            && geckodriver(project)?.is_none()
            && let Err(error) = tools::install_program(project, shell, "geckodriver", GECKODRIVER)
        {
            return Ok(Found::Missing(format!("{error:#}")));
        }
        self.find(project)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Firefox => "Firefox",
            Self::WebKit => "WebKit",
        })
    }
}

/// Debian's names of what the machine lacks.
pub(crate) fn missing_packages() -> Result<Vec<&'static str>> {
    let mut packages = Vec::new();
    if firefox()?.is_none() {
        packages.push("firefox-esr");
    }
    if webkit_driver()?.is_none() {
        packages.push("webkit2gtk-driver");
    }
    if screen().is_none() {
        packages.extend(["xvfb", "xauth"]);
    }
    Ok(packages)
}

/// What gives a program a screen that nobody sees.
pub(crate) fn screen() -> Option<PathBuf> {
    on_path(&["xvfb-run"])
}

fn find_firefox(project: &Project) -> Result<Found> {
    Ok(match (firefox()?, geckodriver(project)?) {
        (Some(browser), Some(driver)) => {
            Found::Here(vec![("FIREFOX", browser), ("GECKODRIVER", driver)])
        }
        (None, _) => Found::Missing(
            "Firefox was not found: install it (Debian: firefox-esr) or name it in FIREFOX".into(),
        ),
        (_, None) => {
            Found::Missing("geckodriver was not found: install it or name it in GECKODRIVER".into())
        }
    })
}

fn find_webkit() -> Result<Found> {
    Ok(match webkit_driver()? {
        None => Found::Missing(
            "WebKitWebDriver was not found: on Linux install it (Debian: webkit2gtk-driver) or name it in WEBKIT_DRIVER"
                .into(),
        ),
        Some(_) if screen().is_none() && env::var_os("DISPLAY").is_none() => {
            Found::Missing("WebKit needs a screen: install Xvfb (Debian: xvfb xauth) or set DISPLAY".into())
        }
        Some(driver) => Found::Here(vec![("WEBKIT_DRIVER", driver)]),
    })
}

fn firefox() -> Result<Option<PathBuf>> {
    Ok(named("FIREFOX")?
        .or_else(|| on_path(&["firefox-esr", "firefox"]))
        .or_else(|| existing(FIREFOX_PLACES)))
}

fn geckodriver(project: &Project) -> Result<Option<PathBuf>> {
    let made = tools::program(project, "geckodriver");
    Ok(named("GECKODRIVER")?
        .or_else(|| on_path(&["geckodriver"]))
        .or_else(|| existing(GECKODRIVER_PLACES))
        .or_else(|| made.is_file().then_some(made)))
}

fn webkit_driver() -> Result<Option<PathBuf>> {
    Ok(named("WEBKIT_DRIVER")?
        .or_else(|| on_path(&["WebKitWebDriver"]))
        .or_else(|| existing(WEBKIT_DRIVER_PLACES)))
}
