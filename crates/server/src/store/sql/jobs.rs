//! What each job does, on a connection that is in a transaction.

use stillhere_core::ids::{ConnectionId, GameId, ParticipantId};
use stillhere_core::session::{Admission, ExportOrigin, GameInput, GameOutput, GameSession, Seat};
use stillhere_core::time::Millis;
use stillhere_core::wire::{ErrorCode, Refusal};

use super::super::{Committed, Document, Done, Job, JoinRequest, NewExport, StoreError, Study};
use super::connection::{Columns, InTransaction, Value};
use super::{read, rows, uploads};

/// So many waiting games are looked through for a free seat; all but broken ones have one.
pub(in crate::store) const WAITING_LOOKED_AT: i64 = 50;

/// `<> 'ended'` says nothing new; it is what lets SQLite use the index of live games.
const WAITING: &str = "SELECT state, game_id FROM games
  WHERE experiment_id = $1 AND scene_id = $2 AND phase = 'waiting' AND phase <> 'ended'
  ORDER BY created_at_ms, rowid LIMIT $3";

/// One job's work.
pub(super) struct Work<'a, C> {
    pub(super) connection: &'a mut C,
    pub(super) study: &'a Study,
    pub(super) now: Millis,
}

impl<C: InTransaction> Work<'_, C> {
    pub(super) async fn run(mut self, job: &Job) -> Result<Done, StoreError> {
        match job {
            Job::Input(game, input) => {
                let game = self.load(game).await?;
                self.step(game, input.clone()).await
            }
            Job::Join(request) => self.join(request).await,
            Job::Resume(participant, connection) => self.resume(participant, connection).await,
            Job::Reclaim(participant, connection) => self.reclaim(participant, connection).await,
            Job::Export(export) => self.export(export).await,
            Job::Chunk(chunk, limits) => {
                let progress =
                    uploads::add(self.connection, self.study, self.now, chunk, *limits).await?;
                Ok(Done::Progress(progress))
            }
            Job::DropUpload(participant, export, length) => {
                uploads::remove(self.connection, participant, export, Some(*length)).await?;
                Ok(Done::Nothing)
            }
        }
    }

    async fn load(&mut self, game: &GameId) -> Result<GameSession, StoreError> {
        let row = self
            .connection
            .row(
                "SELECT state FROM games WHERE game_id = $1 AND experiment_id = $2",
                &[
                    Value::Text(game.as_str()),
                    Value::Text(&self.study.experiment_id),
                ],
            )
            .await?;
        match row {
            Some(row) => Ok(serde_json::from_str(row.text(0)?)?),
            None => Err(Refusal::new(ErrorCode::UnknownGame, "there is no such game").into()),
        }
    }

    /// Hands one input to a game and writes down what becomes of it.
    async fn step(&mut self, mut game: GameSession, input: GameInput) -> Result<Done, StoreError> {
        self.connection.before_change(game.id())?;
        let before: Vec<ParticipantId> = game
            .seats()
            .iter()
            .map(|seat| seat.participant.clone())
            .collect();
        let sockets: Vec<(ParticipantId, ConnectionId)> = game
            .seats()
            .iter()
            .filter_map(|seat| Some((seat.participant.clone(), seat.connection()?.clone())))
            .collect();
        let reply = game.handle(self.now, input)?;
        let outputs: Vec<GameOutput> = std::iter::from_fn(|| game.poll()).collect();
        rows::write(
            self.connection,
            self.study,
            self.now,
            &game,
            &before,
            &outputs,
        )
        .await?;
        self.connection
            .tell_others(&sockets, &game, &outputs)
            .await?;
        Ok(Done::Committed(Box::new(Committed {
            game,
            reply,
            outputs,
        })))
    }

    async fn last_game(
        &mut self,
        participant: &ParticipantId,
    ) -> Result<Option<GameSession>, StoreError> {
        let record = read::seat(self.connection, self.study, participant, None).await?;
        Ok(record.map(|record| record.game))
    }

    async fn resume(
        &mut self,
        participant: &ParticipantId,
        connection: &ConnectionId,
    ) -> Result<Done, StoreError> {
        let game = self.last_game(participant).await?;
        let Some(game) = game.filter(|game| has_business(game, participant)) else {
            return Ok(Done::Nothing);
        };
        let input = GameInput::Join {
            participant: participant.clone(),
            connection: connection.clone(),
        };
        self.step(game, input).await
    }

    async fn reclaim(
        &mut self,
        participant: &ParticipantId,
        connection: &ConnectionId,
    ) -> Result<Done, StoreError> {
        let game = self.last_game(participant).await?;
        let seat = game.as_ref().and_then(|game| game.seat(participant));
        match seat {
            None => Err(Refusal::new(ErrorCode::UnknownGame, "there is no seat any more").into()),
            Some(seat) if seat.is_connected() => Ok(Done::Nothing),
            Some(_) => self.resume(participant, connection).await,
        }
    }

    async fn join(&mut self, request: &JoinRequest) -> Result<Done, StoreError> {
        if let Some(other) = &request.instead_of
            && let Some(game) = self.last_game(other).await?
            && game.is_live()
            && game.seat(other).is_some_and(Seat::is_playing)
        {
            return Err(Refusal::new(
                ErrorCode::Unauthorized,
                "this socket speaks for another participant, who is in a game",
            )
            .into());
        }
        let input = GameInput::Join {
            participant: request.participant.clone(),
            connection: request.connection.clone(),
        };
        let game = self.game_to_join(request).await?;
        self.step(game, input).await
    }

    /// The game in which the participant is to sit.
    async fn game_to_join(&mut self, request: &JoinRequest) -> Result<GameSession, StoreError> {
        if let Some(last) = self.last_game(&request.participant).await?
            && last.admission(&request.participant, request.applicant)? == Admission::Back
        {
            return Ok(last);
        }
        let waiting = self
            .connection
            .rows(
                WAITING,
                &[
                    Value::Text(&self.study.experiment_id),
                    Value::Text(request.fresh.settings().scene.as_str()),
                    Value::Int(WAITING_LOOKED_AT),
                ],
            )
            .await?;
        for row in waiting {
            let game: GameSession = serde_json::from_str(row.text(0)?)?;
            // A game begun under other settings waits for its own kind.
            if game.has_room() && game.settings() == request.fresh.settings() {
                return Ok(game);
            }
        }
        self.connection.begun(request.fresh.id());
        Ok(request.fresh.clone())
    }

    async fn export(&mut self, export: &NewExport) -> Result<Done, StoreError> {
        let stored = read::stored_bytes(self.connection, &export.participant, &export.export);
        if stored.await?.is_some() {
            return Ok(Done::Nothing);
        }
        match export.document {
            Document::Inline => {
                uploads::remove(self.connection, &export.participant, &export.export, None).await?;
            }
            Document::Uploaded(length) => {
                uploads::settle(self.connection, &export.participant, &export.export, length)
                    .await?;
            }
        }
        let game = self.load(&export.game).await?;
        let input = GameInput::Exported {
            participant: export.participant.clone(),
            export: export.export.clone(),
            finished: export.finished,
        };
        let done = self.step(game, input).await?;
        rows::save_export(self.connection, self.now, export, ExportOrigin::Client).await?;
        Ok(done)
    }
}

/// Whether a game still concerns a participant: it runs, or they are owed something.
fn has_business(game: &GameSession, participant: &ParticipantId) -> bool {
    game.seat(participant)
        .is_some_and(|seat| game.is_live() || seat.is_owed())
}
