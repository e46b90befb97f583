//! Files of picks: how often each expert of a layer was chosen.

use std::io::Read;

use isotherm_core::input::InputError;
use serde_json::Value;

use crate::options::open;

const EXAMPLE: &str = "expected a list of objects, one for each layer, such as [{\"0\": 120, \"1\": 80}], one such object, or a list of picks such as [120, 80]";

/// Picks of every expert of one layer, each finite and above 0.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picks {
    file: String,
    layer: usize,
    picks: Vec<f64>,
}

/// Reads one layer of `file`, which must have `experts` experts.
pub(super) fn read(file: &str, layer: usize, experts: usize) -> Result<Picks, InputError> {
    let mut text = String::new();
    open(file)?
        .read_to_string(&mut text)
        .map_err(|error| InputError::new(file, format!("the file cannot be read ({error})"), EXAMPLE))?;
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| InputError::new(file, format!("not JSON ({error})"), EXAMPLE).at_line(error.line() as u64))?;
    let found = |what: String| InputError::new(file, what, EXAMPLE);
    let layers = match value {
        Value::Array(layers) if layers.iter().all(Value::is_object) => layers,
        one => vec![one],
    };
    let count = layers.len();
    let table = layers.into_iter().nth(layer).ok_or_else(|| {
        let found = format!("there is no layer {layer}: the file has {count}");
        InputError::new(file, found, format!("expected `layer` to be less than {count}, counted from 0"))
    })?;
    let numbers = match table {
        Value::Array(numbers) => {
            numbers.into_iter().enumerate().map(|(expert, picks)| (expert.to_string(), picks)).collect()
        }
        Value::Object(table) => table,
        _ => return Err(found("neither a list nor an object".to_owned())),
    };
    if numbers.len() != experts {
        let expected = format!(
            "expected picks of the model's {experts} experts; use a file of that model or change the number of experts"
        );
        return Err(InputError::new(file, format!("layer {layer} has {} experts", numbers.len()), expected));
    }
    let mut picks = vec![0.0; experts];
    for (expert, number) in &numbers {
        let slot = expert.parse().ok().and_then(|expert: usize| picks.get_mut(expert));
        let slot = slot.ok_or_else(|| found(format!("`{expert}` is not one of the experts 0 to {}", experts - 1)))?;
        *slot =
            number.as_f64().ok_or_else(|| found(format!("picks of expert {expert} are not a number ({number})")))?;
        if *slot <= 0.0 {
            let what = if *slot < 0.0 { "negative" } else { "zero" };
            let expected = "expected at least 1: no finite offset makes an expert never picked; give it 1 or take it out of the model";
            return Err(InputError::new(
                file,
                format!("picks of expert {expert} in layer {layer} are {what} ({number})"),
                expected,
            ));
        }
    }
    // Two spellings of one expert ("1" and "01") leave another without picks.
    if let Some(expert) = picks.iter().position(|picks| *picks == 0.0) {
        return Err(found(format!("expert {expert} has no picks in layer {layer}")));
    }
    Ok(Picks { file: file.to_owned(), layer, picks })
}

impl Picks {
    /// Share of tokens that each expert serves under top-k: k count / sum.
    pub(super) fn frequencies(&self, top_k: usize) -> Result<Vec<f64>, InputError> {
        let scale = top_k as f64 / self.picks.iter().sum::<f64>();
        let everything = if top_k == self.picks.len() { 1.0 + 1e-9 } else { 1.0 };
        for (expert, picks) in self.picks.iter().enumerate() {
            let share = picks * scale;
            if share >= everything {
                let found = format!(
                    "expert {expert} of layer {} has {picks} picks, which at top-{top_k} is {share:.3} a token",
                    self.layer
                );
                return Err(InputError::new(
                    &self.file,
                    found,
                    "expected less than one a token; check top-k against the model the counts come from",
                ));
            }
        }
        Ok(self.picks.iter().map(|picks| picks * scale).collect())
    }
}
