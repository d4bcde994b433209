//! Figures that a study defines, checked: what they show, and what each coordinate does.

use jetspace_expr::Symbol;
use toml::Spanned;

use super::Reader;
use crate::Error;
use crate::evaluation::{EvaluationPlan, Region, RegionAxis};
use crate::study::{Content, FigureScale, Quantity, StudyFigure};
use crate::study_file::{FigureFile, StudyFile};

/// Most nodes of a map along a coordinate; more would not show.
const MOST_NODES: usize = 401;
/// Most points that a figure is made of.
const MOST_POINTS: usize = 10_000_000;
/// Most maps of one figure.
const MOST_FRAMES: usize = 20;

impl Reader<'_> {
    pub(super) fn figures(
        &mut self,
        file: &StudyFile,
        plan: &EvaluationPlan,
    ) -> Result<Vec<StudyFigure>, Error> {
        let figures = file.figure.iter();
        figures.map(|(name, figure)| self.figure(name.get_ref(), figure, plan)).collect()
    }

    fn figure(
        &mut self,
        name: &str,
        file: &FigureFile,
        plan: &EvaluationPlan,
    ) -> Result<StudyFigure, Error> {
        let mut axes = Region::axes(&self.problem, &plan.grid, &plan.parameters)?;
        for (coordinate, axis) in &file.over {
            let number = self.coordinate(coordinate)?;
            let axis = self.axis("figure", name, coordinate, axis)?;
            if let Some(place) = axes.get_mut(number) {
                *place = axis;
            }
        }
        let content = match (&file.y, &file.map) {
            (Some(y), None) => self.curves(name, file, y, &mut axes)?,
            (None, Some(map)) => self.maps(name, file, map, &mut axes)?,
            _ => {
                let message = "expected one of `y` and `map`, found neither or both";
                let help = "curves are e.g. y = \"u\" and along = \"t\", maps are e.g. map = \"u\"";
                let place = self.source.place_of(&["figure", name]);
                return Err(self.source.mistake(place, message, "this figure", help));
            }
        };
        let sets = self.shown_sets(file, plan)?;
        let nodes = axes.iter().map(|axis| match *axis {
            RegionAxis::Nodes { nodes, .. } => nodes,
            RegionAxis::At(_) | RegionAxis::Parameter(_) => 1,
        });
        let points = nodes.chain([sets.len().max(1)]).try_fold(1, usize::checked_mul);
        if points.is_none_or(|points| points > MOST_POINTS) {
            let place = self.source.place_of(&["figure", name]);
            let message = format!("expected at most {MOST_POINTS} points, found more");
            let help = "give fewer nodes, e.g. over = { x = { nodes = 101 } }";
            return Err(self.source.mistake(place, message, "this figure", help));
        }
        Ok(StudyFigure {
            name: name.to_owned(),
            title: file.title.clone().unwrap_or_else(|| name.to_owned()),
            content,
            axes,
            sets,
            scale: file.scale,
        })
    }

    fn curves(
        &mut self,
        name: &str,
        file: &FigureFile,
        y: &Spanned<String>,
        axes: &mut [RegionAxis],
    ) -> Result<Content, Error> {
        let of_maps =
            [("streamlines", file.streamlines.is_some()), ("frames", !file.frames.is_empty())];
        self.refuse(name, &of_maps, "maps", "remove it, or write map = … instead of y = …")?;
        let Some(along) = &file.along else {
            let place = self.source.place_of(&["figure", name]);
            let message = "expected the coordinate `along` which the curves go, found none";
            let names = self.problem.coordinates.iter().map(|c| format!("{:?}", c.name));
            let known = names.collect::<Vec<_>>().join(" or ");
            let help = format!("add along = {known}");
            return Err(self.source.mistake(place, message, "this figure", help));
        };
        let number = self.coordinate_with_nodes(along, axes)?;
        let mut integral = Vec::new();
        for name in &file.integral {
            let coordinate = self.coordinate_with_nodes(name, axes)?;
            if coordinate == number || integral.contains(&coordinate) {
                let message = format!("expected another coordinate, found {:?}", name.get_ref());
                let help = "integrate over each coordinate once, and not over that of `along`";
                return Err(self.source.mistake(name.span(), message, "in use", help));
            }
            integral.push(coordinate);
        }
        put_in_the_middle(axes, |i| i == number || integral.contains(&i));
        let x = match &file.x {
            Some(x) if integral.is_empty() => Some(self.quantity(x, FigureScale::Linear)?),
            Some(x) => {
                let message = "expected no `x`, found one beside `integral`";
                let help = "an integral is shown against the coordinate `along`: remove x";
                return Err(self.source.mistake(x.span(), message, "not both", help));
            }
            None => None,
        };
        let y = self.quantity(y, file.scale)?;
        Ok(Content::Curves { along: number, y, x, integral, cumulative: file.cumulative })
    }

    fn maps(
        &mut self,
        name: &str,
        file: &FigureFile,
        of: &Spanned<String>,
        axes: &mut [RegionAxis],
    ) -> Result<Content, Error> {
        let of_curves = [
            ("x", file.x.is_some()),
            ("along", file.along.is_some()),
            ("integral", !file.integral.is_empty()),
            ("cumulative", file.cumulative),
            ("sets", file.sets.is_some()),
        ];
        self.refuse(name, &of_curves, "curves", "remove it, or write y = … instead of map = …")?;
        let frames = self.frames(name, file)?;
        if let Some((coordinate, values)) = &frames
            && let (Some(axis), Some(first)) = (axes.get_mut(*coordinate), values.first())
        {
            *axis = RegionAxis::At(*first);
        }
        let has_nodes = |(i, axis): (usize, &RegionAxis)| match axis {
            RegionAxis::Nodes { nodes, .. } if *nodes > 1 => Some(i),
            _ => None,
        };
        let shown: Vec<usize> = axes.iter().enumerate().filter_map(has_nodes).take(2).collect();
        let &[across, upwards] = &shown[..] else {
            let found = shown.len();
            let message = format!("expected two coordinates with several nodes, found {found}");
            let help = "give nodes, e.g. over = { x = { nodes = 101 } }; curves are y = … and \
                        along = …";
            return Err(self.source.mistake(of.span(), message, "over a line", help));
        };
        put_in_the_middle(axes, |i| i == across || i == upwards);
        for axis in axes.iter_mut() {
            if let RegionAxis::Nodes { nodes, .. } = axis {
                *nodes = (*nodes).min(MOST_NODES);
            }
        }
        let streamlines = match &file.streamlines {
            None => None,
            Some(components) => match &components.get_ref()[..] {
                [x, y] => Some([self.measured(x)?, self.measured(y)?]),
                others => {
                    let found = others.len();
                    let message = format!("expected two components, found {found}");
                    let help = "one along each coordinate of the map, e.g. [\"u\", \"v\"]";
                    return Err(self.source.mistake(components.span(), message, "not two", help));
                }
            },
        };
        let of = self.quantity(of, file.scale)?;
        Ok(Content::Map { plane: [across, upwards], of, streamlines, frames })
    }

    /// The coordinate with a value for each map.
    fn frames(
        &mut self,
        name: &str,
        file: &FigureFile,
    ) -> Result<Option<(usize, Vec<f64>)>, Error> {
        let mut frames = file.frames.iter();
        let Some((coordinate, values)) = frames.next() else { return Ok(None) };
        let place = self.source.place_of(&["figure", name, "frames"]);
        if frames.next().is_some() || values.is_empty() || values.len() > MOST_FRAMES {
            let message =
                format!("expected 1 to {MOST_FRAMES} values of one coordinate, found others");
            let help = "e.g. frames = { t = [0, 1, 2] }";
            return Err(self.source.mistake(place, message, "other than that", help));
        }
        let number = self.coordinate(coordinate)?;
        if file.over.keys().any(|name| name.get_ref() == coordinate.get_ref()) {
            let message =
                format!("expected {:?} once, found it in `over` too", coordinate.get_ref());
            return Err(self.source.mistake(place, message, "again", "remove one of them"));
        }
        let values = values.iter().map(|value| self.number(value)).collect::<Result<_, _>>()?;
        Ok(Some((number, values)))
    }

    /// Refuses the first of these keys that is there.
    fn refuse(&self, name: &str, keys: &[(&str, bool)], of: &str, help: &str) -> Result<(), Error> {
        let Some((key, _)) = keys.iter().find(|(_, is_there)| *is_there) else { return Ok(()) };
        let place = self.source.place_of(&["figure", name, key]);
        let message = format!("expected no `{key}`, which is for {of}");
        Err(self.source.mistake(place, message, "not here", help))
    }

    fn coordinate_with_nodes(
        &self,
        name: &Spanned<String>,
        axes: &[RegionAxis],
    ) -> Result<usize, Error> {
        let number = self.coordinate(name)?;
        if matches!(axes.get(number), Some(RegionAxis::Nodes { .. })) {
            return Ok(number);
        }
        let name_of = name.get_ref();
        let message = format!("expected nodes along {name_of:?}, found one value");
        let help = format!("add over = {{ {name_of} = {{ nodes = 101 }} }}");
        Err(self.source.mistake(name.span(), message, "has no nodes", help))
    }

    /// A formula; sizes on a logarithmic scale are those of errors.
    fn quantity(&mut self, text: &Spanned<String>, scale: FigureScale) -> Result<Quantity, Error> {
        let expression = self.measured(text)?;
        let is_equation = self.problem.equations.iter().any(|e| e.name == *text.get_ref());
        let symbols = self.problem.graph.symbols(&[expression]);
        let compares = symbols.iter().any(|symbol| matches!(symbol, Symbol::Column(_)));
        let is_error = is_equation || compares || scale == FigureScale::Log;
        Ok(Quantity { text: text.get_ref().clone(), expression, is_error })
    }

    fn shown_sets(&self, file: &FigureFile, plan: &EvaluationPlan) -> Result<Vec<Vec<f64>>, Error> {
        let most = plan.parameters.len();
        let count = match &file.sets {
            None => 1,
            Some(sets) if (1..=most).contains(sets.get_ref()) => *sets.get_ref(),
            Some(sets) => {
                let message = match most {
                    0 => {
                        "expected [evaluation] parameters to take sets from, found none".to_owned()
                    }
                    most => format!("expected 1 to {most} sets, found {}", sets.get_ref()),
                };
                let help = "there is a curve for each of the first of [evaluation] parameters";
                return Err(self.source.mistake(sets.span(), message, "so many sets", help));
            }
        };
        Ok(plan.parameters.iter().take(count).cloned().collect())
    }
}

/// Puts coordinates with nodes over which a figure does not go into the middle of their ranges.
fn put_in_the_middle(axes: &mut [RegionAxis], goes_over: impl Fn(usize) -> bool) {
    for (_, axis) in axes.iter_mut().enumerate().filter(|(i, _)| !goes_over(*i)) {
        if let RegionAxis::Nodes { range: (low, high), .. } = *axis {
            *axis = RegionAxis::At(f64::midpoint(low, high));
        }
    }
}
