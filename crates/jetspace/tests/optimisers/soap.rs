//! SOAP against a loop in which the layers stand written out, and on mini-batches.

use std::num::NonZero;

use jetspace::training::{Scalar, StopReason};
use jetspace_jet::Real;
use jetspace_optim::{AdamSettings, Schedule, Soap, SoapSettings, WeightMatrix};

use super::{SOAP, bits, evaluate, finish, narrowed, training, wave};

#[test]
fn soap_rotates_the_weights_of_each_layer() {
    fn check<T: Scalar>() {
        let study = wave(&[SOAP]);
        let mut training = training::<T>(&study, 1);
        let mut parameters = narrowed::<T>(&training.parameters());
        finish(&mut training);

        // 2-6-5-1: in each layer a row of weights per unit, and then the biases; the unknown is last.
        let matrix = |start, rows, columns| WeightMatrix { start, rows, columns };
        let matrices = [matrix(0, 6, 2), matrix(18, 5, 6), matrix(53, 1, 5)];
        assert_eq!(parameters.len(), 60);
        let mut evaluate = evaluate::<T>(&study);
        let mut gradient = parameters.clone();
        let SoapSettings { adam, .. } = SoapSettings::default();
        let adam = AdamSettings { weight_decay: 0.1, ..adam };
        let settings = SoapSettings { adam, frequency: NonZero::new(4).unwrap() };
        let mut soap = Soap::new(settings, parameters.len(), &matrices).unwrap();
        for step in 0..25 {
            evaluate(&parameters, &mut gradient);
            soap.set_rate(Schedule::Cosine { warm_up: 3, last: 0.1 }.rate(3e-3, step, 25)).unwrap();
            soap.step(&mut parameters, &gradient).unwrap();
        }
        let expected: Vec<f64> = parameters.iter().map(|&p| Real::to_f64(p)).collect();
        assert_eq!(bits(&training.parameters()), bits(&expected));
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn soap_takes_mini_batches_and_any_number_of_threads() {
    let mut study = wave(&[SOAP]);
    study.points.batch = Some(12);
    let [one, two] = [1, 2].map(|threads| {
        let mut training = training::<f64>(&study, threads);
        finish(&mut training);
        assert_eq!((training.stops()[0].reason, training.stops()[0].done), (StopReason::Steps, 25));
        bits(&training.parameters())
    });
    assert_eq!(one, two);
}
