use serde_json::json;
use stillhere_core::ids::SceneId;
use stillhere_core::session::OnExclusion;
use stillhere_core::time::Millis;
use stillhere_server::settings::{Settings, Storage};
use stillhere_server::store::PostgresUrl;

fn load(toml: &str) -> Result<Settings, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stillhere.toml");
    std::fs::write(&file, toml).unwrap();
    Settings::load(Some(&file)).map_err(|error| error.to_string())
}

fn scene(name: &str) -> SceneId {
    SceneId::try_from(name).unwrap()
}

#[test]
fn without_a_file_the_demo_is_served() {
    let settings = Settings::load(None).unwrap();
    assert_eq!(settings.experiment_id, "demo");
    let (name, grid) = settings.scene(None).unwrap();
    assert_eq!(name, &scene("grid"));
    assert_eq!(grid.players, 2);
    assert_eq!(grid.waiting_room_timeout, Millis::new(300_000.0));
    assert_eq!(
        serde_json::to_value(&grid.metadata).unwrap(),
        json!({
            "continuous_monitoring_enabled": true, "continuous_max_ping": 500, "continuous_tab_warning_ms": 3000,
            "continuous_tab_exclude_ms": 10000, "episodes": 2, "episode_seconds": 30,
        })
    );
    let target = settings.redirect(name, "excluded").unwrap();
    assert_eq!(
        target.url,
        "/done.html?outcome={outcome}&code={completion_code}"
    );
    assert_eq!(target.delay_ms, 8000);
    assert_eq!(load("").unwrap(), settings);
}

#[test]
fn the_demo_has_a_scene_for_a_game_in_python() {
    let settings = Settings::load(None).unwrap();
    let name = scene("pyodide");
    let (name, python) = settings.scene(Some(&name)).unwrap();
    assert_eq!(python.players, 2);
    assert!(python.monitor.enabled);
    assert_eq!(python.monitor.reconnect_grace, Millis::new(30_000.0));
    assert!(settings.redirect(name, "completed").is_some());
}

#[test]
fn an_experiments_name_alone_leaves_the_demo_scene() {
    let settings = load("experiment_id = \"pilot\"").unwrap();
    assert_eq!(settings.experiment_id, "pilot");
    assert!(settings.scene(Some(&scene("grid"))).is_some());
}

#[test]
fn a_scene_has_defaults() {
    let settings = load("[scenes.maze]").unwrap();
    let (name, maze) = settings.scene(None).unwrap();
    assert_eq!(name, &scene("maze"));
    assert_eq!(
        (maze.players, maze.waiting_room_timeout),
        (2, Millis::new(300_000.0))
    );
    assert!(!maze.monitor.enabled);
    assert!(settings.redirect(name, "completed").is_none());
    assert!(settings.scene(Some(&scene("grid"))).is_none());
}

#[test]
fn every_fault_is_reported_at_once() {
    let error = load(
        r#"
        experiment_id = 7
        default_scene = "none"
        colour = "blue"
        allowed_origins = ["lab.example"]
        [scenes.grid]
        players = 1
        waiting_room_timeout_ms = 0
        waiting_room_timeout_message = 3
        player = 2
        [scenes.grid.metadata]
        continuous_max_ping = nan
        continuous_tab_exclude_ms = -5
        continuous_ping_violation_window = 2
        continuous_ping_required_violations = 3
        [scenes.grid.redirects.won]
        url = "/x"
        [scenes.grid.redirects.completed]
        url = "javascript:alert(1)"
        delay_ms = -1
        [scenes.grid.redirects.excluded]
        url = "//evil.example/x"
        [scenes.grid.redirects.default]
        url = "https://lab.example/{who}"
        [scenes.maze.redirects.default]
        delay_ms = 5
        "#,
    )
    .unwrap_err();
    for fault in [
        "`experiment_id` is 7",
        "`default_scene` is \"none\", allowed is one of \"grid\", \"maze\"",
        "`colour` is \"blue\", allowed is one of the settings experiment_id",
        "`allowed_origins` is [\"lab.example\"], allowed is a list of origins",
        "`scenes.grid.players` is 1, allowed is a whole number from 2",
        "`scenes.grid.waiting_room_timeout_ms` is 0",
        "`scenes.grid.waiting_room_timeout_message` is 3",
        "`scenes.grid.player` is 2, allowed is one of the settings players",
        "`scenes.grid.metadata.continuous_max_ping` is NaN, allowed is a finite number",
        "`scenes.grid.metadata.continuous_tab_exclude_ms` is -5",
        "`scenes.grid.metadata.continuous_ping_required_violations` is 3",
        "`scenes.grid.redirects.won` is",
        "partner_excluded",
        "`scenes.grid.redirects.completed.url` is \"javascript:alert(1)\"",
        "`scenes.grid.redirects.completed.delay_ms` is -1",
        "`scenes.grid.redirects.excluded.url` is \"//evil.example/x\"",
        "not {who}",
        "`scenes.maze.redirects.default.url` is missing",
    ] {
        assert!(error.contains(fault), "{fault}\nis not in\n{error}");
    }
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn games_are_kept_in_the_data_directory_unless_a_database_is_named() {
    assert_eq!(Settings::load(None).unwrap().storage, Storage::DataDir);
    for url in [
        "postgres://ada:secret@db.lab.example:5433/study",
        "postgresql:///study?host=/run/postgresql",
    ] {
        let settings = load(&format!("[storage]\nurl = \"{url}\"")).unwrap();
        let url = PostgresUrl::parse(url).unwrap();
        assert_eq!(settings.storage, Storage::Postgres(url));
        let shown = format!("{settings:?}");
        assert!(shown.contains("study at ") && !shown.contains("secret"));
    }
}

#[test]
fn an_address_of_no_database_of_ours_is_refused_without_its_password() {
    let error = load("[storage]\nurl = \"mysql://ada:secret@db/study\"\npath = \"x\"").unwrap_err();
    for fault in [
        "`storage.url` is \"mysql://…@db/study\", allowed is an address as in postgres://",
        "`storage.path` is \"x\", allowed is one of the settings url",
    ] {
        assert!(error.contains(fault), "{fault}\nis not in\n{error}");
    }
    assert!(!error.contains("secret"), "{error}");
    let error = load("[storage]\nurl = 7").unwrap_err();
    assert!(error.contains("`storage.url` is 7"), "{error}");
}

#[test]
fn servers_that_relay_share_a_database() {
    let shared = "storage.url = \"postgres://db/study\"\n";
    let url = "redis://:secret@cache.lab.example";
    let settings = load(&format!("{shared}cluster.redis = \"{url}\"")).unwrap();
    assert!(settings.redis.is_some());
    let shown = format!("{settings:?}");
    assert!(
        shown.contains("cache.lab.example") && !shown.contains("secret"),
        "{shown}"
    );
    for (toml, fault) in [
        (
            format!("cluster.redis = \"{url}\""),
            "`cluster.redis` is \"redis://…@cache.lab.example\", allowed is an address only where storage.url",
        ),
        (
            format!("{shared}cluster.redis = \"http://:secret@x\""),
            "`cluster.redis` is \"http://…@x\", allowed is an address as in redis://",
        ),
        (
            format!("{shared}cluster.nodes = 3"),
            "`cluster.nodes` is 3, allowed is one of the settings redis",
        ),
    ] {
        let error = load(&toml).unwrap_err();
        assert!(error.contains(fault), "{fault}\nis not in\n{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn off_switches_a_threshold_off_where_toml_has_no_null() {
    let settings = load(
        r#"
        [scenes.grid.metadata]
        continuous_tab_exclude_ms = "off"
        continuous_tab_warning_ms = "off"
        silence_exclude_ms = "off"
        music = "off"
        "#,
    )
    .unwrap();
    let (_, grid) = settings.scene(None).unwrap();
    assert_eq!(grid.monitor.tab.exclude_after, None);
    assert_eq!(grid.monitor.silence_exclude, None);
    assert_eq!(grid.metadata["continuous_tab_exclude_ms"], json!(null));
    assert_eq!(
        grid.metadata["music"], "off",
        "the game's own keys pass as they are"
    );
}

#[test]
fn unknown_monitoring_keys_are_named_and_ignored() {
    let settings = load("[scenes.grid.metadata]\ncontinuous_max_pings = 3\nepisodes = 2").unwrap();
    assert_eq!(
        settings.unknown_keys,
        ["scenes.grid.metadata.continuous_max_pings"]
    );
}

#[test]
fn two_scenes_need_a_default_one() {
    let error = load("[scenes.a]\n[scenes.b]").unwrap_err();
    assert!(
        error.contains("`default_scene` is missing, allowed is one of \"a\", \"b\""),
        "{error}"
    );
    assert!(load("default_scene = \"b\"\n[scenes.a]\n[scenes.b]").is_ok());
}

#[test]
fn what_is_no_toml_is_said_in_one_line() {
    let error = load("[[").unwrap_err();
    assert!(
        error.contains("not valid TOML") && error.contains("line 1"),
        "{error}"
    );
    assert!(!error.contains('\n'), "{error}");
    let missing = Settings::load(Some(std::path::Path::new("/nowhere/x.toml"))).unwrap_err();
    assert!(missing.to_string().contains("/nowhere/x.toml"), "{missing}");
}

#[test]
fn redirects_fall_back_to_the_default() {
    let settings = load(
        r#"
        [scenes.grid.redirects.completed]
        url = "https://lab.example/ok"
        completion_code = "C1"
        [scenes.grid.redirects.default]
        url = "http://lab.example:8000/other?c={completion_code}"
        "#,
    )
    .unwrap();
    let grid = scene("grid");
    assert_eq!(
        settings.redirect(&grid, "completed").unwrap().url,
        "https://lab.example/ok"
    );
    let other = settings.redirect(&grid, "focus_loss").unwrap();
    assert_eq!(
        (other.delay_ms, other.completion_code.as_deref()),
        (5000, None)
    );
}

#[test]
fn a_scene_says_whether_the_others_play_on() {
    let settings = load("[scenes.maze]").unwrap();
    let (name, maze) = settings.scene(None).unwrap();
    let game = maze.game_settings(name);
    assert_eq!((game.on_exclusion, game.min_players), (OnExclusion::End, 2));

    let settings =
        load("[scenes.maze]\nplayers = 4\non_exclusion = \"continue\"\nmin_players = 3\n").unwrap();
    let (name, maze) = settings.scene(None).unwrap();
    let game = maze.game_settings(name);
    assert_eq!(
        (game.on_exclusion, game.min_players),
        (OnExclusion::Continue, 3)
    );

    let faults =
        load("[scenes.maze]\nplayers = 2\non_exclusion = \"sometimes\"\nmin_players = 3\n")
            .unwrap_err();
    for named in ["on_exclusion", "\"end\"", "\"continue\"", "min_players"] {
        assert!(faults.contains(named), "{named}: {faults}");
    }
}
