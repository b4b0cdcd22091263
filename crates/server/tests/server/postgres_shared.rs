//! Several servers that write to one database at once: nothing is lost, no seat is given twice, and
//! nobody waits for ever for anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::Row;
use stillhere_core::ids::{ExportId, Frame, GameId};
use stillhere_core::session::{GameInput, GameReply, GameSession, LastStatus, Phase};
use stillhere_core::time::Millis;
use stillhere_core::wire::ErrorCode;
use stillhere_server::store::{
    Done, Job, JoinRequest, LiveGames, NewChunk, PostgresStore, PostgresUrl, Store, StoreError,
    UploadLimits,
};
use tokio::task::JoinSet;

use crate::store::{
    at, committed, export, fresh, join, one, refused, request, study, verdict, who,
};
use crate::support::cut_line::{Cut, CutLine};
use crate::support::postgres::{address, connect, fresh_database, port};

const SERVERS: usize = 4;

async fn servers(url: &PostgresUrl) -> Vec<Arc<PostgresStore>> {
    let mut stores = Vec::new();
    for _ in 0..SERVERS {
        stores.push(Arc::new(
            PostgresStore::connect(url, study("study")).await.unwrap(),
        ));
    }
    stores
}

async fn count(url: &PostgresUrl, sql: &'static str) -> i64 {
    let row = sqlx::query(sql).fetch_one(&mut connect(url).await).await;
    row.unwrap().get(0)
}

fn done(results: Result<Vec<Result<Done, StoreError>>, StoreError>) -> Vec<Done> {
    let results = results.unwrap().into_iter();
    results.map(Result::unwrap).collect()
}

#[tokio::test]
async fn they_share_the_key_of_whoever_was_first() {
    let url = fresh_database().await;
    let servers = servers(&url).await;
    let mut asking = JoinSet::new();
    for (server, store) in (1..).zip(servers) {
        asking.spawn(async move { store.shared_key("tokens", &[server; 32]).await.unwrap() });
    }
    let keys: BTreeSet<Vec<u8>> = asking.join_all().await.into_iter().collect();
    assert_eq!(keys.len(), 1);
}

#[tokio::test]
async fn no_seat_is_given_twice() {
    const PARTICIPANTS: usize = 60;
    let url = fresh_database().await;
    let servers = servers(&url).await;
    let mut joining = JoinSet::new();
    // Each of them asks two servers at once, as a page does whose first answer was lost.
    for index in 0..PARTICIPANTS {
        for turn in 0..2 {
            let store = Arc::clone(&servers[(index + turn) % SERVERS]);
            joining.spawn(async move {
                let (name, game) = (format!("p{index}"), format!("g{index}.{turn}"));
                let job = Job::Join(Box::new(request(&name, &game)));
                match one(&*store, 0, job).await {
                    Ok(_) => true,
                    other => {
                        assert_eq!(refused(other), ErrorCode::Unauthorized);
                        false
                    }
                }
            });
        }
    }
    let seated = joining.join_all().await;
    assert_eq!(
        seated.iter().filter(|seated| **seated).count(),
        PARTICIPANTS
    );
    assert_eq!(
        servers[0].live_games().await.unwrap(),
        LiveGames {
            playing: (PARTICIPANTS / 2) as i64,
            ..LiveGames::default()
        }
    );
    let sitting: Vec<_> = servers[1]
        .unsettled()
        .await
        .unwrap()
        .iter()
        .flat_map(GameSession::seats)
        .map(|seat| seat.participant.clone())
        .collect();
    assert_eq!(sitting.len(), PARTICIPANTS);
    assert_eq!(BTreeSet::from_iter(sitting).len(), PARTICIPANTS);
    let seats = count(&url, "SELECT COUNT(*) FROM seats").await;
    assert_eq!(seats, PARTICIPANTS as i64);
}

/// Rooms that fill and empty at once: who leaves is never in the way of who comes for good.
#[tokio::test]
async fn joins_and_leaves_do_not_wait_for_each_other_for_ever() {
    let url = fresh_database().await;
    let servers = servers(&url).await;
    let mut coming_and_going = JoinSet::new();
    for index in 0..24 {
        let store = Arc::clone(&servers[index % SERVERS]);
        coming_and_going.spawn(async move {
            for turn in 0..5 {
                let name = format!("p{index}");
                let new = JoinRequest {
                    fresh: fresh(&format!("g{index}.{turn}"), 60),
                    ..request(&name, "-")
                };
                let joined = done(store.commit(at(0), vec![Job::Join(Box::new(new))]).await);
                let game = joined[0].committed().unwrap().game.id().clone();
                let leave = GameInput::Leave {
                    participant: who(&name),
                    frame: Frame(0),
                };
                done(store.commit(at(0), vec![Job::Input(game, leave)]).await);
            }
        });
    }
    coming_and_going.join_all().await;
    assert_eq!(count(&url, "SELECT COUNT(*) FROM seats").await, 0);
    assert_eq!(count(&url, "SELECT COUNT(*) FROM games").await, 1);
}

fn last_status(name: &str, frame: u64) -> GameInput {
    GameInput::LastStatus {
        participant: who(name),
        status: LastStatus {
            frame: Frame(frame),
            completed_episodes: 0,
            hidden_ms: Millis::ZERO,
            at: Millis::ZERO,
        },
    }
}

#[tokio::test]
async fn no_change_of_a_game_is_lost_whatever_the_order_of_the_games_in_a_commit() {
    const GAMES: usize = 6;
    const PLAYERS: usize = 12;
    const TURNS: u64 = 6;
    let url = fresh_database().await;
    let servers = servers(&url).await;
    for game in 0..GAMES {
        for player in 0..PLAYERS {
            let new = JoinRequest {
                fresh: fresh(&format!("g{game}"), PLAYERS),
                ..request(&format!("p{game}.{player}"), "-")
            };
            let job = Job::Join(Box::new(new));
            committed(one(&*servers[0], 0, job).await);
        }
    }
    let mut writing = JoinSet::new();
    for player in 0..PLAYERS {
        let store = Arc::clone(&servers[player % SERVERS]);
        writing.spawn(async move {
            for turn in 1..=TURNS {
                let mut jobs: Vec<Job> = (0..GAMES)
                    .map(|game| {
                        let id = GameId::try_from(format!("g{game}")).unwrap();
                        Job::Input(id, last_status(&format!("p{game}.{player}"), turn))
                    })
                    .collect();
                jobs.rotate_left((player + turn as usize) % GAMES);
                if player % 2 == 1 {
                    jobs.reverse();
                }
                done(store.commit(at(turn), jobs).await);
            }
        });
    }
    writing.join_all().await;
    for game in servers[0].unsettled().await.unwrap() {
        assert_eq!(game.seats().len(), PLAYERS);
        for seat in game.seats() {
            assert_eq!(seat.last_status.unwrap().frame, Frame(TURNS));
        }
    }
}

#[tokio::test]
async fn a_game_ends_once_and_an_export_is_stored_once_whichever_server_hears_of_it() {
    const GAMES: usize = 12;
    let url = fresh_database().await;
    let servers = servers(&url).await;
    let mut games = Vec::new();
    for index in 0..GAMES {
        join(&*servers[0], 0, &format!("a{index}"), &format!("g{index}")).await;
        games.push(join(&*servers[1], 0, &format!("b{index}"), "-").await);
    }
    let mut ending = JoinSet::new();
    for server in 0..SERVERS {
        for (index, game) in games.iter().enumerate() {
            let (store, game) = (Arc::clone(&servers[server]), game.clone());
            ending.spawn(async move {
                let (name, player) = [("a", 0), ("b", 1)][server % 2];
                let name = format!("{name}{index}");
                let verdict = Job::Input(game.id().clone(), verdict(&name, player));
                let jobs = vec![verdict, export(&name, &game, "e")];
                let done = done(store.commit(at(5), jobs).await);
                let accepted = done[0].committed().unwrap().reply == GameReply::Accepted;
                (name, accepted, done[1].committed().is_some())
            });
        }
    }
    let mut stored: BTreeMap<String, usize> = BTreeMap::new();
    let mut accepted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, was_accepted, was_stored) in ending.join_all().await {
        *stored.entry(name.clone()).or_default() += usize::from(was_stored);
        if was_accepted {
            accepted
                .entry(name[1..].to_owned())
                .or_default()
                .insert(name);
        }
    }
    assert_eq!(stored.len(), 2 * GAMES);
    assert!(stored.values().all(|times| *times == 1), "{stored:?}");
    // A repeat of the first verdict is accepted again, the other's never is.
    assert!(accepted.values().all(|who| who.len() == 1), "{accepted:?}");
    assert_eq!(accepted.len(), GAMES);
    assert_eq!(servers[0].live_games().await.unwrap(), LiveGames::default());
    let exports = count(&url, "SELECT COUNT(*) FROM exports").await;
    assert_eq!(exports, 2 * GAMES as i64);
}

#[tokio::test]
async fn a_chunk_is_added_once() {
    let url = fresh_database().await;
    let servers = servers(&url).await;
    join(&*servers[0], 0, "a", "g").await;
    join(&*servers[0], 0, "b", "-").await;
    for offset in 0..10 {
        let mut adding = JoinSet::new();
        for store in &servers {
            let store = Arc::clone(store);
            adding.spawn(async move {
                let chunk = NewChunk {
                    participant: who("a"),
                    export: ExportId::try_from("e").unwrap(),
                    offset,
                    bytes: vec![7],
                };
                let job = Job::Chunk(chunk, UploadLimits::default());
                match &done(store.commit(at(1), vec![job]).await)[0] {
                    Done::Progress(progress) => progress.taken,
                    other => panic!("{other:?}"),
                }
            });
        }
        let taken = adding.join_all().await;
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
    }
    assert_eq!(count(&url, "SELECT COUNT(*) FROM export_chunks").await, 10);
}

#[tokio::test]
async fn a_due_game_is_one_servers_business_until_that_one_is_dead() {
    const GAMES: usize = 40;
    let url = fresh_database().await;
    let servers = servers(&url).await;
    for index in 0..GAMES {
        let new = JoinRequest {
            fresh: fresh(&format!("g{index}"), 2 + index),
            ..request(&format!("p{index}"), "-")
        };
        let job = Job::Join(Box::new(new));
        committed(one(&*servers[0], 1_000, job).await);
    }
    let due_at = |now: u64| {
        let mut looking = JoinSet::new();
        for store in &servers {
            let store = Arc::clone(store);
            looking.spawn(async move { store.due(at(now)).await.unwrap() });
        }
        async { looking.join_all().await.concat() }
    };
    assert_eq!(due_at(60_999).await, []);
    let due = due_at(61_000).await;
    assert_eq!(due.len(), GAMES);
    assert_eq!(BTreeSet::from_iter(&due).len(), GAMES);
    assert_eq!(due_at(61_001).await, [], "they are looked after");
    let next = servers[1].next_deadline().await.unwrap().unwrap();
    assert!(next > at(61_001), "and nobody has to look again at once");
    let (handled, forgotten) = due.split_at(GAMES / 2);
    let jobs = handled
        .iter()
        .map(|game| Job::Input(game.clone(), GameInput::Deadline));
    for done in done(servers[0].commit(at(61_001), jobs.collect()).await) {
        let game = &done.committed().unwrap().game;
        assert!(matches!(game.phase(), Phase::Ended { .. }));
    }
    // Whoever had these is dead.
    let again = due_at(67_000).await;
    assert_eq!(BTreeSet::from_iter(&again), BTreeSet::from_iter(forgotten));
}

/// The line breaks while a commit is under way. Whoever is told of a failure that was none asks again, and
/// would find the own seat taken by somebody unknown.
#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_what_the_database_says_it_is() {
    let direct = fresh_database().await;
    let line = CutLine::to(port()).await;
    let url = address(&direct).replace(&port().to_string(), &line.port.to_string());
    let url = PostgresUrl::parse(&url).unwrap();
    let store = PostgresStore::connect(&url, study("study")).await.unwrap();
    let asked = |name: &'static str| vec![Job::Join(Box::new(request(name, name)))];

    line.cut(Cut::AfterCommit);
    let joined = done(store.commit(at(0), asked("a")).await);
    let game = &joined[0].committed().unwrap().game;
    assert!(game.seat(&who("a")).is_some());
    assert!(store.seat(&who("a"), None).await.unwrap().is_some());

    line.cut(Cut::BeforeCommit);
    let failed = store.commit(at(0), asked("b")).await;
    assert!(
        matches!(failed, Err(StoreError::Unavailable(_))),
        "{failed:?}"
    );
    assert!(store.seat(&who("b"), None).await.unwrap().is_none());
    done(store.commit(at(0), asked("b")).await);
}

/// Connections break all the time, in the middle of commits too. What was said to be stored is; what was
/// said to have failed is not.
#[tokio::test]
async fn a_broken_connection_never_makes_a_store_say_what_is_not_true() {
    const GAMES: usize = 4;
    const EXPORTS: usize = 150;
    let url = fresh_database().await;
    let servers = servers(&url).await;
    let mut games = Vec::new();
    for index in 0..GAMES {
        join(&*servers[0], 0, &format!("a{index}"), &format!("g{index}")).await;
        games.push(join(&*servers[0], 0, &format!("b{index}"), "-").await);
    }
    let over = Arc::new(AtomicBool::new(false));
    let breaking = tokio::spawn({
        let (mut connection, over) = (connect(&url).await, Arc::clone(&over));
        async move {
            let mut broken = 0;
            while !over.load(Ordering::SeqCst) {
                let killed = sqlx::query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE application_name = 'stillhere' AND datname = current_database()
                        AND (query = 'COMMIT' AND state = 'active' OR state <> 'idle' AND random() < 0.02)",
                );
                broken += killed.fetch_all(&mut connection).await.unwrap().len();
                tokio::task::yield_now().await;
            }
            broken
        }
    });
    let mut storing = JoinSet::new();
    for (server, store) in servers.iter().cloned().enumerate() {
        let (game, over) = (games[server].clone(), Arc::clone(&over));
        storing.spawn(async move {
            let mut said = Vec::new();
            for index in 0..EXPORTS {
                let id = format!("{server}.{index}");
                let job = export(&format!("a{server}"), &game, &id);
                let result = store.commit(at(1), vec![job]).await;
                said.push((id, result.is_ok_and(|results| results[0].is_ok())));
                if index == EXPORTS / 2 {
                    over.store(true, Ordering::SeqCst);
                }
            }
            said
        });
    }
    let said: BTreeMap<String, bool> = storing.join_all().await.concat().into_iter().collect();
    let broken = breaking.await.unwrap();
    let stored = sqlx::query("SELECT export_id FROM exports")
        .fetch_all(&mut connect(&url).await)
        .await
        .unwrap();
    let stored: BTreeSet<String> = stored.iter().map(|row| row.get(0)).collect();
    let said_to_be: BTreeSet<String> = said
        .iter()
        .filter(|(_, stored)| **stored)
        .map(|(id, _)| id.clone())
        .collect();
    assert_eq!(said.len(), GAMES * EXPORTS);
    assert_eq!(said_to_be, stored);
    assert!(broken > 0);
    assert!(stored.len() > EXPORTS, "whoever is left alone stores");
    println!(
        "{broken} connections broken, {} of {} stored",
        stored.len(),
        said.len()
    );
}
