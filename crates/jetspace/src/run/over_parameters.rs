//! Errors over the coordinates of kind parameter: for each training a table, and figures of all methods.

use indexmap::IndexMap;

use super::presentation::shown_metrics;
use super::{Folder, Member, first_of_each};
use crate::Error;
use crate::evaluation::Evaluation;
use crate::point_set::PointSet;
use crate::problem::Problem;
use crate::report::{Axis, CellAxis, ChoiceMap, Curves, Metric, Scale, Series};
use crate::study::{ParameterMap, Study};
use crate::table;

/// The name of the table's file in the folder of a training.
pub const FILE: &str = "parameters.npz";

/// Parameters, and each metric there, as columns.
pub fn table(
    problem: &Problem,
    map: &ParameterMap,
    evaluation: &Evaluation,
) -> Result<PointSet, Error> {
    let mut columns: Vec<(String, Vec<f64>)> = Vec::new();
    for (place, &i) in map.coordinates.iter().enumerate() {
        let values = map.plan.parameters.iter().filter_map(|set| set.get(place).copied());
        columns.push((problem.coordinates[i].name.clone(), values.collect()));
    }
    // One set has no means.
    let of_sets = match &evaluation.of_sets[..] {
        [] => std::slice::from_ref(&evaluation.metrics),
        of_sets => of_sets,
    };
    for name in of_sets.first().into_iter().flat_map(IndexMap::keys) {
        let values = of_sets.iter().filter_map(|metrics| metrics.get(name).copied());
        columns.push((name.clone(), values.collect()));
    }
    Ok(PointSet::new(columns)?)
}

/// Figures of the errors of the first seed: curves over one parameter; over two of them, which method has
/// the least.
pub fn figures(
    study: &Study,
    folder: &Folder,
    members: &[Member],
) -> Result<(Vec<Curves>, Vec<ChoiceMap>), Error> {
    let Some(map) = &study.map else { return Ok((Vec::new(), Vec::new())) };
    let mut tables = Vec::new();
    for member in first_of_each(study, members, &study.variants[0]) {
        let path = folder.path().join(member.name()).join(FILE);
        tables.push((member.method.name.to_uppercase(), table::read(&path)?));
    }
    let figures = Figures { study, map, tables };
    let is_mapped = |key: &str| figures.tables.iter().all(|(_, t)| t.column(key).is_some());
    let metrics = shown_metrics(study).into_iter().filter(|(key, _)| is_mapped(key));
    Ok(match map.coordinates[..] {
        [of_x] => (metrics.map(|metric| figures.curves(&metric, of_x)).collect(), Vec::new()),
        [of_x, of_y] => {
            (Vec::new(), metrics.map(|metric| figures.choices(&metric, of_x, of_y)).collect())
        }
        _ => (Vec::new(), Vec::new()),
    })
}

struct Figures<'a> {
    study: &'a Study,
    map: &'a ParameterMap,
    /// Of each method.
    tables: Vec<(String, PointSet)>,
}

impl Figures<'_> {
    fn name(&self, coordinate: usize) -> String {
        format!("*{}*", self.study.problem.coordinates[coordinate].name)
    }

    fn seed(&self) -> u64 {
        self.study.seeds.first().copied().unwrap_or(0)
    }

    fn nodes(&self, place: usize) -> &[f64] {
        self.map.nodes.get(place).map_or(&[], Vec::as_slice)
    }

    fn curves(&self, (key, metric): &(String, Metric), of_x: usize) -> Curves {
        let points = |table: &PointSet| {
            let values = table.column(key).unwrap_or_default();
            self.nodes(0).iter().copied().zip(values.iter().copied()).collect()
        };
        let series = self.tables.iter().map(|(name, table)| Series {
            name: name.clone(),
            points: points(table),
            ..Series::default()
        });
        Curves {
            title: format!("{} over {}", metric.name, self.name(of_x)),
            caption: format!("Seed {}.", self.seed()),
            x: Axis { name: self.name(of_x), scale: Scale::Linear },
            y: Axis { name: metric.name.clone(), scale: Scale::Log },
            series: series.collect(),
        }
    }

    fn choices(&self, (key, metric): &(String, Metric), of_x: usize, of_y: usize) -> ChoiceMap {
        let (x, y) = (self.nodes(0), self.nodes(1));
        let axis = |coordinate, nodes: &[f64]| CellAxis {
            name: self.name(coordinate),
            values: nodes.iter().map(|node| format!("{node:.3}")).collect(),
        };
        // The second coordinate varies fastest in the tables, the first in the figure.
        let cells = (0..y.len()).flat_map(|j| (0..x.len()).map(move |i| i * y.len() + j));
        let best = |cell: usize| {
            let errors = self.tables.iter().enumerate().filter_map(|(method, (_, table))| {
                let error = *table.column(key)?.get(cell)?;
                error.is_finite().then_some((error, method))
            });
            errors.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, method)| method)
        };
        ChoiceMap {
            title: format!("Least {}", metric.name),
            caption: format!("Seed {}; each cell has the colour of the best method.", self.seed()),
            x: axis(of_x, x),
            y: axis(of_y, y),
            choices: self.tables.iter().map(|(method, _)| method.clone()).collect(),
            best: cells.map(best).collect(),
        }
    }
}
