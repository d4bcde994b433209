//! Conditions: where they hold, and what holds there.

use toml::Spanned;

use super::Reader;
use crate::Error;
use crate::problem::{Condition, Coordinate, Kind, Parameter, Place};
use crate::problem_file::{ConditionFile, Formula, Name, OnFile, ProblemFile};
use crate::sampling::{End, Side};

impl Reader<'_> {
    pub(super) fn conditions(
        &mut self,
        file: &ProblemFile,
        coordinates: &[Coordinate],
        parameters: &[Parameter],
    ) -> Result<Vec<Condition>, Error> {
        let value = |p: &Parameter| if p.unknown { f64::NAN } else { p.value };
        let known: Vec<f64> = parameters.iter().map(value).collect();
        let mut conditions = Vec::new();
        for (name, condition) in &file.conditions {
            let place = self.place(name, condition, coordinates, &known)?;
            if condition.require.is_empty() {
                let message = "expected something that holds there, found nothing";
                let help = "add it, e.g. require = [\"u = 0\"]";
                return Err(self.nothing_at(
                    &["conditions", name.get_ref(), "require"],
                    message,
                    help,
                ));
            }
            let inside = self.scope.clone();
            if matches!(place, Place::Pair(_)) {
                self.scope = inside.clone().with_other();
            }
            let residuals: Result<Vec<_>, Error> =
                condition.require.iter().map(|formula| self.residual(name, formula)).collect();
            self.scope = inside;
            let (name, unmet) = (name.get_ref().clone(), condition.unmet.clone());
            conditions.push(Condition { name, place, residuals: residuals?, unmet });
        }
        Ok(conditions)
    }

    fn place(
        &mut self,
        name: &Name,
        file: &ConditionFile,
        coordinates: &[Coordinate],
        known: &[f64],
    ) -> Result<Place, Error> {
        match (&file.on, &file.pair, &file.at) {
            (Some(on), None, None) => self.on(on, coordinates, known).map(Place::Sides),
            (None, Some(pair), None) => {
                let names: Vec<String> = coordinates.iter().map(|c| c.name.clone()).collect();
                let found = names.iter().position(|n| n == pair.get_ref()).map(Place::Pair);
                found.ok_or_else(|| self.source.unknown_name(pair, "a coordinate", &names))
            }
            (None, None, Some(points)) => self.points(name, points, coordinates),
            (None, None, None) => Err(self.not_one_place(name, "none")),
            _ => Err(self.not_one_place(name, "several")),
        }
    }

    fn not_one_place(&self, condition: &Name, found: &str) -> Error {
        let message = format!("expected one of `on`, `pair` and `at` to say where, found {found}");
        let help = "give one of on = \"boundary\", pair = \"x\", at = [[…], …]";
        self.source.mistake(condition.span(), message, "this condition", help)
    }

    fn on(
        &mut self,
        on: &Spanned<OnFile>,
        coordinates: &[Coordinate],
        known: &[f64],
    ) -> Result<Vec<Side>, Error> {
        let names = match on.get_ref() {
            OnFile::One(name) => &[Spanned::new(on.span(), name.clone())][..],
            OnFile::Many(names) if names.is_empty() => {
                let message = "expected at least one side, found none";
                return Err(self.source.mistake(on.span(), message, "empty", "e.g. [\"x.min\"]"));
            }
            OnFile::Many(names) => names,
        };
        let mut sides = Vec::new();
        for name in names {
            let of_name = match name.get_ref().split_once('=') {
                Some((coordinate, at)) => {
                    vec![self.plane(name, (coordinate.trim(), at), coordinates, known)?]
                }
                None => self.sides(name, coordinates)?,
            };
            if let Some(side) = of_name.iter().find(|side| sides.contains(*side)) {
                let of = &coordinates[side.axis];
                let message = format!("expected each side once, found {} again", of.name);
                return Err(self.source.mistake(name.span(), message, "again", "remove it"));
            }
            sides.extend(of_name);
        }
        Ok(sides)
    }

    /// Where a coordinate has a value.
    fn plane(
        &mut self,
        written: &Spanned<String>,
        (name, at): (&str, &str),
        coordinates: &[Coordinate],
        known: &[f64],
    ) -> Result<Side, Error> {
        let names: Vec<String> = coordinates.iter().map(|c| c.name.clone()).collect();
        let Some(axis) = names.iter().position(|other| other == name) else {
            let name = Spanned::new(written.span(), name.to_owned());
            return Err(self.source.unknown_name(&name, "a coordinate", &names));
        };
        let place = Spanned::new(written.span(), Formula(at.trim().to_owned()));
        let place = self.number(&place, known)?;
        let (low, high) = coordinates[axis].range;
        if place <= low || place >= high {
            let message = format!("expected {name} between {low} and {high}, found {place}");
            let help = format!("the ends are called \"{name}.min\" and \"{name}.max\"");
            return Err(self.source.mistake(written.span(), message, "not inside", help));
        }
        Ok(Side { axis, end: End::Inside(place) })
    }

    fn sides(&self, on: &Spanned<String>, coordinates: &[Coordinate]) -> Result<Vec<Side>, Error> {
        let low = |axis| Side { axis, end: End::Low };
        let high = |axis| Side { axis, end: End::High };
        let mut named = Vec::new();
        let of_kind = |kind| (0..coordinates.len()).filter(move |&i| coordinates[i].kind == kind);
        let boundary: Vec<_> =
            of_kind(Kind::Space).flat_map(|axis| [low(axis), high(axis)]).collect();
        let initial: Vec<_> = of_kind(Kind::Time).map(low).collect();
        named.extend([("boundary".to_owned(), boundary), ("initial".to_owned(), initial)]);
        for (i, coordinate) in coordinates.iter().enumerate() {
            named.push((format!("{}.min", coordinate.name), vec![low(i)]));
            named.push((format!("{}.max", coordinate.name), vec![high(i)]));
        }
        named.retain(|(_, sides)| !sides.is_empty());
        let known: Vec<String> = named.iter().map(|(name, _)| name.clone()).collect();
        let found = named.into_iter().find(|(name, _)| name == on.get_ref());
        let expected = match on.get_ref().as_str() {
            "initial" => "a side of the domain, which has no time coordinate",
            "boundary" => "a side of the domain, which has no space coordinate",
            _ => "a side of the domain",
        };
        found.map(|(_, sides)| sides).ok_or_else(|| self.source.unknown_name(on, expected, &known))
    }

    fn points(
        &self,
        condition: &Name,
        points: &[Vec<f64>],
        coordinates: &[Coordinate],
    ) -> Result<Place, Error> {
        let wrong = |path: &[&str], message: String, label: &str, help: &str| {
            let path = [&["conditions", condition.get_ref(), "at"], path].concat();
            Err(self.source.mistake(self.source.place_of(&path), message, label, help))
        };
        if points.is_empty() {
            let message = "expected at least one point, found none".to_owned();
            return wrong(&[], message, "empty", "give points, each in brackets");
        }
        for (number, point) in points.iter().enumerate() {
            let number = number.to_string();
            let (expected, found) = (coordinates.len(), point.len());
            if found != expected {
                let message = format!("expected a point of {expected} numbers, found {found}");
                return wrong(
                    &[&number],
                    message,
                    "not a point",
                    "give a number for each coordinate",
                );
            }
            for (axis, (value, coordinate)) in point.iter().zip(coordinates).enumerate() {
                let Coordinate { name, range: (low, high), .. } = coordinate;
                if !(low..=high).contains(&value) {
                    let message = format!("expected {name} from {low} to {high}, found {value}");
                    let help = "move the point into the domain, or widen the domain";
                    return wrong(&[&number, &axis.to_string()], message, "outside", help);
                }
            }
        }
        let column = |i: usize| points.iter().map(|point| point[i]).collect();
        Ok(Place::Points((0..coordinates.len()).map(column).collect()))
    }
}
