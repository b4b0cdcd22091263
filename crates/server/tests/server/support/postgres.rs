use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use stillhere_server::store::PostgresUrl;

/// A PostgreSQL of this process's own. It goes, and all its files with it, when the process does, however
/// it ends: the shell that started it waits for the end of its input.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// Until it is asked to go.
const SCRIPT: &str = r#"
"$1/initdb" -D "$2/data" -U stillhere --auth=trust -N >"$2/log" 2>&1 || exit 1
"$1/postgres" -D "$2/data" -p "$3" -k "$2" -c listen_addresses=127.0.0.1 -c max_connections=300 >>"$2/log" 2>&1 &
cat >/dev/null
kill -QUIT $!
wait
rm -rf "$2"
"#;

struct Cluster {
    port: u16,
    /// Its input is open for as long as this is.
    _shell: Mutex<Child>,
}

impl Cluster {
    fn start() -> Self {
        let programs = programs().expect(
            "PostgreSQL was not found: install it (Debian: postgresql), or leave these tests out (-- --skip postgres)",
        );
        let directory = tempfile::tempdir().unwrap().keep();
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        // PostgreSQL refuses to run as root.
        let mut shell = if is_root() {
            let chown = Command::new("chown")
                .arg("postgres")
                .arg(&directory)
                .status();
            assert!(chown.unwrap().success());
            let mut shell = Command::new("runuser");
            shell.args(["-u", "postgres", "--", "sh"]);
            shell
        } else {
            Command::new("sh")
        };
        let shell = shell
            .args(["-c", SCRIPT, "sh"])
            .args([programs.as_os_str(), directory.as_os_str()])
            .arg(port.to_string())
            .current_dir("/")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            port,
            _shell: Mutex::new(shell),
        }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://stillhere@127.0.0.1:{}/{database}", self.port)
    }

    async fn connect(&self, database: &str) -> PgConnection {
        let url = self.url(database);
        let connecting = async {
            loop {
                // Nothing tells when it is up but a connection.
                match PgConnection::connect(&url).await {
                    Ok(connection) => return connection,
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), connecting)
            .await
            .expect("PostgreSQL should be up by now")
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// The folder of `initdb` and `postgres`.
fn programs() -> Option<PathBuf> {
    let has_them = |folder: &Path| {
        ["initdb", "postgres"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    let on_path = env::var_os("PATH").unwrap_or_default();
    let named = env::var_os("POSTGRES_BIN").map(PathBuf::from);
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = debian.flatten().map(|version| version.path().join("bin"));
    named
        .into_iter()
        .chain(debian)
        .chain(env::split_paths(&on_path))
        .find(|folder| has_them(folder))
}

/// Where the databases are.
pub fn port() -> u16 {
    CLUSTER.port
}

/// The address of a database, as settings name it.
pub fn address(url: &PostgresUrl) -> String {
    let name = url.to_string();
    CLUSTER.url(name.split_once(' ').unwrap().0)
}

/// A connection of the tests' own, for whatever servers must not do.
pub async fn connect(url: &PostgresUrl) -> PgConnection {
    let database = url.to_string();
    let (database, _) = database.split_once(' ').unwrap();
    CLUSTER.connect(database).await
}

/// A fresh database.
pub async fn fresh_database() -> PostgresUrl {
    let name = format!("test{}", DATABASES.fetch_add(1, Ordering::SeqCst));
    let mut connection = CLUSTER.connect("postgres").await;
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    PostgresUrl::parse(&CLUSTER.url(&name)).unwrap()
}
