//! What the server tells a participant's session.

use crate::config::MonitorConfig;
use crate::exclusion::Side;
use crate::ids::GameId;
use crate::ids::SceneId;
use crate::metrics::{PartnerDeparture, TerminatedBy, TerminationReason};
use crate::monitor::{Monitor, MonitorInput};
use crate::source::{Source, listed, text};
use crate::time::Millis;
use crate::wire::{
    EndGame, EndGameReason, ErrorCode, GameEndReason, GameEnded, GameReady, JoinAnswer, JoinStatus,
    ParticipantExcluded, PartnerExcluded, PartnerLeft, PauseGame, PlayerAssigned, Refusal,
    ServerEvent, TriggerDataExport, read_ack,
};

use super::event::{Expect, ExportOwner, ParticipantOutput};
use super::machine::{Holds, Participant, Phase};
use super::page_event::PageEvent;
use super::record::Record;

impl Participant {
    pub(super) fn told<S: Source>(&mut self, name: &str, payload: &S, now: Millis) {
        let event = match ServerEvent::parse(name, payload) {
            None => return,
            Some(Err(errors)) => {
                self.notify_error(
                    "invalid_payload",
                    text(&["`", name, "` from the server: ", &errors.message()]),
                );
                return;
            }
            Some(Ok(event)) => event,
        };
        match event {
            ServerEvent::WaitingRoom(_) => {
                if matches!(self.phase, Phase::Idle) {
                    self.phase = Phase::Waiting;
                }
            }
            ServerEvent::PlayerAssigned(seat) => self.assigned(seat, now),
            ServerEvent::GameReady(ready) => self.ready(ready, now),
            // Without a number it repeats what the ping's own ack says.
            ServerEvent::Pong(pong) => {
                if let Some(seq) = pong.seq {
                    self.monitor.handle(now, MonitorInput::PingAnswered { seq });
                }
            }
            ServerEvent::PartnerExcluded(told) => self.partner_excluded(told, now),
            ServerEvent::TriggerDataExport(told) => self.export_triggered(told, now),
            ServerEvent::ParticipantExcluded(told) => self.excluded_by_server(told, now),
            ServerEvent::Redirect(redirect) => self.redirect_answered(redirect, now),
            ServerEvent::CallbackResult(result) => {
                self.monitor
                    .handle(now, MonitorInput::CallbackAnswered(result));
            }
            ServerEvent::PauseGame(pause) => self.partner_away(pause, now),
            ServerEvent::ResumeGame(resume) => self.partner_back(&resume.game_id, now),
            ServerEvent::GameEnded(ended) => self.game_ended(ended, now),
            ServerEvent::EndGame(end) => self.end_game(end, now),
            ServerEvent::PartnerLeft(left) => self.partner_left(left, now),
            ServerEvent::PlayersAction(_) | ServerEvent::PresenceProbe(_) => {}
        }
    }

    pub(super) fn acked<S: Source>(&mut self, to: Expect, body: Option<&S>, now: Millis) {
        let answer = read_ack(body);
        match to {
            Expect::Nothing => {}
            Expect::Ping(seq) => self.monitor.handle(now, MonitorInput::PingAnswered { seq }),
            Expect::Join => {
                let joined = answer.and_then(|body| match body {
                    Some(body) => JoinAnswer::parse(&body).map(Some).map_err(Into::into),
                    None => Ok(None),
                });
                match joined {
                    Ok(answer) => self.joined(answer),
                    Err(refusal) => self.join_refused(refusal, now),
                }
            }
            Expect::Report => self.report_answered(answer, now),
            Expect::Export(export_id) => self.export_answered(&export_id, answer, now),
            Expect::Redirect => self.redirect_acked(answer, now),
        }
    }

    fn joined(&mut self, answer: Option<JoinAnswer>) {
        let Some(joining) = &mut self.joining else {
            return;
        };
        let Some(answer) = answer else {
            // MUG acks without a word: the participant is who the page said.
            let participant_id = joining.participant_id.clone().map(Into::into);
            self.notify(PageEvent::Joined {
                participant_id,
                participant_token: None,
                status: JoinStatus::Waiting,
            });
            return;
        };
        self.owner = Some(ExportOwner {
            participant_id: answer.participant_id.clone(),
            token: answer.participant_token.clone(),
        });
        joining.participant_id = Some(answer.participant_id.clone());
        joining.participant_token = Some(answer.participant_token.clone());
        self.outputs.push(ParticipantOutput::KeepToken {
            participant_id: answer.participant_id.clone(),
            token: answer.participant_token.clone(),
        });
        self.notify(PageEvent::Joined {
            participant_id: Some(answer.participant_id.into()),
            participant_token: Some(answer.participant_token),
            status: answer.status,
        });
    }

    fn join_refused(&mut self, refusal: Refusal, now: Millis) {
        // A token of an earlier study or of a server that was set up anew proves nothing; without it
        // the participant is a new one.
        if refusal.code == ErrorCode::Unauthorized
            && let Some(joining) = &mut self.joining
            && joining.participant_token.take().is_some()
        {
            self.send_join();
            return;
        }
        let proof = self
            .joining
            .take()
            .and_then(|joining| joining.participant_id.zip(joining.participant_token));
        if refusal.code == ErrorCode::AlreadyEnded
            && let Some((participant_id, token)) = proof
        {
            // The page was opened anew in the middle of the ending: all that is left is to be told where to go, on
            // this socket or the next.
            self.outputs.push(ParticipantOutput::KeepToken {
                participant_id,
                token,
            });
            self.end_waiting(self.texts.ended_message.to_string(), now);
        } else if matches!(self.phase, Phase::Waiting) {
            self.phase = Phase::Idle;
        }
        self.join_failed(refusal.code.as_str(), refusal.message);
    }

    fn is_mine(&self, game: &GameId) -> bool {
        self.seat.as_ref().is_some_and(|seat| seat.game_id == *game)
    }

    fn assigned(&mut self, seat: PlayerAssigned, now: Millis) {
        if self.is_mine(&seat.game_id) {
            return;
        }
        self.leave_behind(now);
        self.begin_anew(now);
        self.phase = Phase::Waiting;
        self.notify(PageEvent::Assigned {
            player_id: seat.player_id.clone(),
            game_id: seat.game_id.clone(),
            game_seed: seat.game_seed,
            num_players: seat.num_players,
        });
        self.seat = Some(seat);
    }

    /// Nothing of one game may leak into the next, least of all its partial flag.
    fn begin_anew(&mut self, now: Millis) {
        let hidden = self.monitor.is_hidden();
        self.monitor = Monitor::new(Side::Client, self.epoch);
        if hidden {
            self.monitor.handle(now, MonitorInput::Hidden);
        }
        if self.connected {
            self.monitor.handle(now, MonitorInput::Connected);
        }
        self.record = Record::default();
        self.holds = Holds::default();
        self.report = None;
        self.stopped = false;
    }

    fn ready<S: Source>(&mut self, ready: GameReady<S>, now: Millis) {
        if !self.is_mine(&ready.game_id) || !matches!(self.phase, Phase::Waiting) {
            return;
        }
        match MonitorConfig::parse(&ready.scene_metadata) {
            Ok(parsed) => {
                if !parsed.unknown_keys.is_empty() {
                    let keys = listed(&parsed.unknown_keys, ", ");
                    self.notify_error("unknown_settings", text(&["ignored, not known: ", &keys]));
                }
                self.config = parsed.config;
            }
            // Nobody is to be excluded by a rule that the researcher did not write.
            Err(errors) => {
                self.config = MonitorConfig::default();
                self.notify_error("invalid_config", errors.message());
            }
        }
        self.scene = ready
            .scene_metadata
            .field("scene_id")
            .and_then(|id| match id.kind() {
                crate::source::Kind::Text(text) => SceneId::try_from(text).ok(),
                _ => None,
            });
        self.monitor.configure(&self.config);
        self.phase = Phase::Playing;
        self.outputs.push(ParticipantOutput::NotifyReady);
        self.update_pause(now);
    }

    fn partner_away(&mut self, pause: PauseGame, now: Millis) {
        if !self.is_mine(&pause.game_id) || !matches!(self.phase, Phase::Playing) {
            return;
        }
        let until = now + pause.ms_remaining.unwrap_or(self.config.reconnect_grace);
        self.holds.partner = Some((pause.detecting_player.clone(), until));
        self.update_pause(now);
        self.notify(PageEvent::Paused {
            reason: "partner",
            player_id: pause.detecting_player,
        });
    }

    fn partner_back(&mut self, game: &GameId, now: Millis) {
        if self.is_mine(game) && self.holds.partner.take().is_some() {
            self.update_pause(now);
            self.notify_resumed();
        }
    }

    /// A partner is gone, and the game goes on without them.
    fn partner_left(&mut self, left: PartnerLeft, now: Millis) {
        let known = &self.record.partners_left;
        if !self.is_mine(&left.game_id)
            || !self.inbox.accept(left.delivery_id.as_ref())
            || known.iter().any(|known| known.player_id == left.player_id)
        {
            return;
        }
        self.record.partners_left.push(PartnerDeparture {
            player_id: left.player_id.clone(),
            frame: left.frame_number,
            at_ms: now,
        });
        if !matches!(self.phase, Phase::Playing) {
            return;
        }
        let message = if left.message.is_empty() {
            self.texts.partner_left.to_string()
        } else {
            left.message
        };
        self.outputs
            .push(ParticipantOutput::Banner(message.clone()));
        let away = self.holds.partner.take_if(|(player, _)| {
            player
                .as_ref()
                .is_none_or(|player| *player == left.player_id)
        });
        self.notify(PageEvent::PartnerLeft {
            player_id: left.player_id,
            num_players: left.num_players,
            frame: left.frame_number,
            message,
        });
        if away.is_some() {
            self.update_pause(now);
            self.notify_resumed();
        }
    }

    fn partner_excluded(&mut self, told: PartnerExcluded, now: Millis) {
        if told
            .game_id
            .as_ref()
            .is_some_and(|game| !self.is_mine(game))
            || !self.inbox.accept(told.delivery_id.as_ref())
        {
            return;
        }
        let message = if told.message.is_empty() {
            self.texts.partner_message.to_string()
        } else {
            told.message
        };
        self.end_by_partner(message, told.frame_number, now);
    }

    fn export_triggered(&mut self, told: TriggerDataExport, now: Millis) {
        if told
            .game_id
            .as_ref()
            .is_some_and(|game| !self.is_mine(game))
            || !self.inbox.accept(told.delivery_id.as_ref())
        {
            return;
        }
        self.trigger_export(told.termination_frame, now);
    }

    fn excluded_by_server(&mut self, told: ParticipantExcluded, now: Millis) {
        if self.is_mine(&told.game_id) && self.inbox.accept(told.delivery_id.as_ref()) {
            let message = if told.message.is_empty() {
                self.texts.excluded_message.to_string()
            } else {
                told.message
            };
            self.end_excluded(
                told.reason,
                TerminatedBy::Server,
                message,
                told.frame_number,
                now,
            );
        }
    }

    fn game_ended(&mut self, ended: GameEnded, now: Millis) {
        if !self.is_mine(&ended.game_id) || !self.inbox.accept(ended.delivery_id.as_ref()) {
            return;
        }
        let own = self.seat.as_ref().map(|seat| &seat.player_id);
        let by_self = ended.disconnected_player_id.as_ref() == own;
        let (reason, by, message) = match ended.reason {
            GameEndReason::ServerShutdown => (
                TerminationReason::ServerShutdown,
                TerminatedBy::Server,
                self.texts.server_shutdown.to_string(),
            ),
            GameEndReason::FocusLossTimeout if by_self => (
                TerminationReason::FocusLossTimeout,
                TerminatedBy::Own,
                self.focus_loss_message(),
            ),
            GameEndReason::PartnerDisconnected if by_self => (
                TerminationReason::PartnerDisconnected,
                TerminatedBy::Own,
                self.texts.own_disconnected.to_string(),
            ),
            reason => (
                if reason == GameEndReason::FocusLossTimeout {
                    TerminationReason::FocusLossTimeout
                } else {
                    TerminationReason::PartnerDisconnected
                },
                TerminatedBy::Partner,
                self.config
                    .partner_disconnect_message
                    .clone()
                    .unwrap_or_else(|| {
                        // Whose connection was never lost is not said to have lost it.
                        let text = if reason == GameEndReason::FocusLossTimeout {
                            &self.texts.partner_message
                        } else {
                            &self.texts.partner_disconnected
                        };
                        text.to_string()
                    }),
            ),
        };
        self.end_without_verdict(reason, by, ended.disconnected_player_id, message, now);
    }

    fn end_game(&mut self, end: EndGame, now: Millis) {
        if end.reason == Some(EndGameReason::TakenOver) {
            self.end_taken_over(now);
            return;
        }
        let message = end
            .message
            .unwrap_or_else(|| self.texts.ended_message.to_string());
        if matches!(self.phase, Phase::Playing) {
            // MUG's word for a player who left.
            self.end_without_verdict(
                TerminationReason::PartnerDisconnected,
                TerminatedBy::Server,
                None,
                message,
                now,
            );
        } else {
            self.end_waiting(message, now);
        }
    }
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::participant::{Messages, ParticipantInput, SessionState};
    use crate::wire::{ClientEvent, JoinGame};

    type Input<'a> = ParticipantInput<'a, &'a Value>;

    struct Joining {
        participant: Participant,
        sent: Vec<JoinGame>,
        told: Vec<PageEvent>,
        failed: Vec<&'static str>,
        kept: Vec<String>,
    }

    impl Joining {
        fn with(participant_token: Option<&str>) -> Self {
            let participant = Participant::new(Millis::ZERO, "seed", Messages::default());
            let mut joining = Self {
                participant,
                sent: Vec::new(),
                told: Vec::new(),
                failed: Vec::new(),
                kept: Vec::new(),
            };
            joining.handle(ParticipantInput::Connected);
            joining.handle(ParticipantInput::Join(JoinGame {
                participant_id: Some("ada".try_into().unwrap()),
                participant_token: participant_token.map(str::to_owned),
                ..JoinGame::default()
            }));
            joining
        }

        fn handle(&mut self, input: Input) {
            self.participant.handle(Millis::ZERO, input);
            while let Some(output) = self.participant.poll() {
                match output {
                    ParticipantOutput::Emit {
                        event: ClientEvent::JoinGame(join),
                        expect: Expect::Join,
                    } => self.sent.push(join),
                    ParticipantOutput::Notify(event) => self.told.push(event),
                    ParticipantOutput::JoinFailed { code, .. } => self.failed.push(code),
                    ParticipantOutput::KeepToken { token, .. } => self.kept.push(token),
                    _ => {}
                }
            }
        }

        fn acked(&mut self, body: Option<Value>) {
            self.handle(ParticipantInput::Acked {
                to: Expect::Join,
                body: body.as_ref(),
            });
        }
    }

    fn unauthorized() -> Option<Value> {
        Some(json!({"ok": false, "error": {"code": "unauthorized", "message": "not you"}}))
    }

    #[test]
    fn a_token_that_proves_nothing_is_let_go() {
        let mut joining = Joining::with(Some("of another study"));
        joining.acked(unauthorized());
        assert_eq!(joining.sent.len(), 2);
        assert_eq!(joining.sent[1].participant_token, None);
        assert_eq!(
            joining.sent[1].participant_id,
            joining.sent[0].participant_id
        );
        assert!(joining.failed.is_empty());
        joining.acked(Some(json!({
            "ok": true, "participant_id": "ada", "participant_token": "t", "status": "waiting",
        })));
        assert_eq!(joining.kept, ["t"]);
    }

    #[test]
    fn a_page_opened_anew_in_the_ending_asks_where_to_go() {
        let mut joining = Joining::with(Some("t"));
        joining.acked(Some(json!({
            "ok": false, "error": {"code": "already_ended", "message": "this participant's game has ended"},
        })));
        assert_eq!(joining.failed, ["already_ended"]);
        // The next socket has to prove who asks.
        assert_eq!(joining.kept, ["t"]);
        assert_eq!(joining.participant.status().state, SessionState::Ended);
    }

    #[test]
    fn who_is_refused_without_a_token_is_refused() {
        let mut joining = Joining::with(Some("of another study"));
        joining.acked(unauthorized());
        joining.acked(unauthorized());
        assert_eq!(joining.sent.len(), 2);
        assert_eq!(joining.failed, ["unauthorized"]);
        assert!(matches!(
            joining.told[..],
            [PageEvent::Error {
                code: "unauthorized",
                ..
            }]
        ));
    }

    #[test]
    fn a_server_that_acks_without_a_word_has_let_the_participant_in() {
        let mut joining = Joining::with(None);
        joining.acked(None);
        assert_eq!(
            joining.told,
            [PageEvent::Joined {
                participant_id: Some("ada".to_owned()),
                participant_token: None,
                status: JoinStatus::Waiting,
            }]
        );
        assert!(joining.kept.is_empty());
    }
}
