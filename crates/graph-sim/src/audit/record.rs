//! The events that a round of changes leaves.

use std::time::SystemTime;

use chrono::{DateTime, Utc};

use super::{Actor, ActorKind, AuditBehaviour, AuditEvent, AuditLog, Operation, Shown};
use crate::collections::collections;
use crate::content::{Rng, Row};
use crate::directory::Directory;

/// What noise is about.
const NO_POLICY: &str = "ManagedDevice";

const PEOPLE: [&str; 6] = ["anna", "björn", "chiara", "dmitri", "esra", "fumiko"];
const PROGRAMS: [&str; 2] = ["Deployment pipeline", "Workplace automation"];

/// Records the events of one round.
pub(crate) struct Recording<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) behaviour: AuditBehaviour,
    pub(crate) round: usize,
    /// Who did it; by the seed where absent.
    pub(crate) actor: Option<&'a Actor>,
    /// When the round began; what it did is spread over the time until `ended`.
    pub(crate) began: DateTime<Utc>,
    pub(crate) ended: DateTime<Utc>,
}

impl Recording<'_> {
    /// The events of what was done, in its order, with the noise beside them.
    pub(crate) fn events(&self, done: &[((usize, u32), Operation)]) -> Vec<AuditEvent> {
        let round = u64::try_from(self.round).unwrap_or(0);
        let mut rng = Rng::from_parts(&[self.directory.seed, 0xa0d17, round]);
        let now = SystemTime::now();
        let step = (self.ended - self.began) / i32::try_from(done.len().max(1)).unwrap_or(i32::MAX);
        let mut events = Vec::with_capacity(done.len());
        let mut at = self.began;
        for (place, operation) in done {
            at += step;
            let event = self.event(*place, *operation, at, now, &mut rng);
            if rng.percent(usize::from(self.behaviour.noise_percent)) {
                events.extend(self.noise(&event, &mut rng));
            }
            events.push(event);
        }
        events
    }

    fn event(
        &self,
        (index, serial): (usize, u32),
        operation: Operation,
        at: DateTime<Utc>,
        now: SystemTime,
        rng: &mut Rng,
    ) -> AuditEvent {
        let collection = &collections()[index];
        let object = self.directory.sets[index].by_serial(serial);
        let row = object.map(|object| Row::new(self.directory, index, object));
        let entity = collection
            .entity_type
            .trim_start_matches("microsoft.graph.");
        let (id, actor) = (rng.guid(), self.somebody(rng));
        AuditEvent {
            log: if collection.is_intune() {
                AuditLog::Intune
            } else {
                AuditLog::Directory
            },
            round: self.round,
            place: Some((index, serial)),
            id,
            at,
            operation,
            failed: false,
            actor: self.actor.cloned().unwrap_or(actor),
            entity: capitalised(entity),
            object: row.as_ref().map_or_else(String::new, Row::id),
            name: row.and_then(|row| row.name()),
            shown: self.behaviour.shown_from(rng, now),
            twice: rng.percent(usize::from(self.behaviour.twice_percent)),
        }
    }

    /// Events beside one that changed something: somebody looked at the same object, somebody failed
    /// to change it, and somebody did something else.
    fn noise(&self, event: &AuditEvent, rng: &mut Rng) -> Vec<AuditEvent> {
        let mut beside = |operation, failed| AuditEvent {
            id: rng.guid(),
            actor: self.somebody(rng),
            operation,
            failed,
            twice: false,
            shown: match event.shown {
                Shown::Never => Shown::From(SystemTime::now()),
                other => other,
            },
            ..event.clone()
        };
        let failed = beside(Operation::Patch, true);
        let read = beside(Operation::Read, false);
        let other = beside(Operation::Patch, false);
        let other = AuditEvent {
            place: None,
            log: AuditLog::Intune,
            entity: NO_POLICY.to_owned(),
            object: rng.guid(),
            name: Some("PC-0815".to_owned()),
            ..other
        };
        let mut all = vec![failed, other];
        // The directory records no reading.
        all.extend((event.log == AuditLog::Intune).then_some(read));
        all
    }

    /// One of the tenant's administrators or of its applications.
    fn somebody(&self, rng: &mut Rng) -> Actor {
        let number = rng.below(PEOPLE.len() + PROGRAMS.len());
        let mut seeded = Rng::from_parts(&[
            self.directory.seed,
            0xac70,
            u64::try_from(number).unwrap_or(0),
        ]);
        let id = seeded.guid();
        match PEOPLE.get(number) {
            Some(name) => Actor {
                kind: ActorKind::User,
                id,
                name: format!("{name}@contoso.example"),
            },
            None => Actor {
                kind: ActorKind::Application,
                id,
                name: PROGRAMS[number - PEOPLE.len()].to_owned(),
            },
        }
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
