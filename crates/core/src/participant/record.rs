//! What the session writes down for the metrics as it goes on.

use crate::exclusion::{Exclusion, Warning};
use crate::ids::{Frame, PlayerId};
use crate::metrics::{
    EpisodeRecord, PartnerDeparture, SessionStatus, TerminatedBy, TerminationReason,
};
use crate::time::Millis;

/// How the session ended, as far as it has.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Termination {
    pub(super) reason: TerminationReason,
    pub(super) by: Option<TerminatedBy>,
    pub(super) frame: Frame,
    pub(super) at_epoch: Millis,
    pub(super) disconnected_player: Option<PlayerId>,
}

/// Episodes, warnings, departures and the verdict of one game.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) episodes: Vec<EpisodeRecord>,
    pub(super) warnings: Vec<Warning>,
    pub(super) partners_left: Vec<PartnerDeparture>,
    pub(super) exclusion: Option<Exclusion>,
    pub(super) termination: Option<Termination>,
}

impl Record {
    pub(super) fn current_episode(&self) -> Option<u64> {
        self.episodes.last().map(|episode| episode.episode)
    }

    pub(super) fn completed_episodes(&self) -> u64 {
        self.episodes
            .iter()
            .filter(|episode| episode.end_frame.is_some())
            .count() as u64
    }

    /// An episode begins; its number.
    pub(super) fn begin_episode(&mut self, frame: Frame, now: Millis) -> u64 {
        let episode = self.current_episode().map_or(0, |last| last + 1);
        self.episodes.push(EpisodeRecord {
            episode,
            start_frame: frame,
            end_frame: None,
            started_ms: now,
            completed_ms: None,
        });
        episode
    }

    /// The running episode is completed; its index. A page that never said that an episode began
    /// has played one all the same.
    pub(super) fn complete_episode(&mut self, frame: Frame, now: Millis) -> usize {
        if self
            .episodes
            .last()
            .is_none_or(|episode| episode.end_frame.is_some())
        {
            let start = self
                .episodes
                .last()
                .and_then(|last| last.end_frame)
                .unwrap_or_default();
            self.begin_episode(start, now);
        }
        let index = self.episodes.len() - 1;
        self.episodes[index].end_frame = Some(frame);
        self.episodes[index].completed_ms = Some(now);
        index
    }

    pub(super) fn status(&self, frame: Frame) -> SessionStatus {
        let completed_episodes = self.completed_episodes();
        match &self.termination {
            Some(end) => SessionStatus {
                is_partial: end.reason != TerminationReason::Normal,
                termination_reason: end.reason,
                terminated_by: end.by,
                termination_frame: end.frame,
                terminated_at_timestamp: Some(end.at_epoch),
                completed_episodes,
                disconnected_player_id: end.disconnected_player.clone(),
            },
            // Asked for before the end: whatever comes, what is there is partial.
            None => SessionStatus {
                is_partial: true,
                termination_reason: TerminationReason::Normal,
                terminated_by: None,
                termination_frame: frame,
                terminated_at_timestamp: None,
                completed_episodes,
                disconnected_player_id: None,
            },
        }
    }
}
