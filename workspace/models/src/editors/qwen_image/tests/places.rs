//! Where pictures and texts lie: what a port might take it to be is told apart from what is right.

use super::*;
use crate::editors::transformer::{Packing, Positions};

/// Rows and columns of a picture.
type Sides = (usize, usize);

/// A way to lay an item's tokens: pictures are counted from the one that is made, which is 0.
struct Laid {
    name: &'static str,
    /// The picture, row and column of a token of a picture of some sides, by its own row and column.
    picture: fn(usize, Sides, Sides) -> [i32; 3],
    /// The same of a text token by its number, beside an item's pictures.
    text: fn(usize, &[Sides]) -> [usize; 3],
}

/// A place from the middle of a side.
fn centred(at: usize, side: usize) -> i32 {
    at as i32 - (side - side / 2) as i32
}

fn right_picture(at: usize, sides: Sides, token: Sides) -> [i32; 3] {
    [at as i32, centred(token.0, sides.0), centred(token.1, sides.1)]
}

fn right_text(at: usize, pictures: &[Sides]) -> [usize; 3] {
    let halves = pictures.iter().map(|(rows, columns)| rows.max(columns) / 2);
    [halves.max().unwrap_or_default() + at; 3]
}

const RIGHT: Laid = Laid { name: "as diffusers", picture: right_picture, text: right_text };

const WRONG: [Laid; 9] = [
    Laid {
        name: "not centred",
        picture: |at, _, token| [at as i32, token.0 as i32, token.1 as i32],
        text: |at, pictures| [pictures.iter().map(|it| it.0.max(it.1)).max().unwrap_or_default() + at; 3],
    },
    Laid { name: "pictures not centred", picture: |at, _, token| [at as i32, token.0 as i32, token.1 as i32], ..RIGHT },
    Laid {
        name: "rows not centred",
        picture: |at, sides, token| [at as i32, token.0 as i32, centred(token.1, sides.1)],
        ..RIGHT
    },
    Laid {
        name: "odd sides centred the other way",
        picture: |at, (rows, columns), (row, column)| {
            [at as i32, row as i32 - (rows / 2) as i32, column as i32 - (columns / 2) as i32]
        },
        ..RIGHT
    },
    Laid { name: "references where the result is", picture: |_, sides, token| right_picture(0, sides, token), ..RIGHT },
    Laid {
        name: "all references one picture",
        picture: |at, sides, token| right_picture(at.min(1), sides, token),
        ..RIGHT
    },
    Laid {
        name: "pictures on one axis",
        picture: |at, sides, token| [at as i32 + (token.0 * sides.1 + token.1) as i32; 3],
        ..RIGHT
    },
    Laid { name: "text at the origin", text: |at, _| [at; 3], ..RIGHT },
    Laid { name: "text behind the result alone", text: |at, pictures| right_text(at, &pictures[..1]), ..RIGHT },
];

/// What turns an item's tokens: its pictures', then its text's.
fn tables(item: &QwenItem, laid: &Laid, positions: &Positions) -> [Tensor; 2] {
    let references = item.references.iter().map(|reference| reference.grid);
    let pictures: Vec<Sides> = std::iter::once(item.grid).chain(references).collect();
    let cells = |sides: Sides| (0..sides.0 * sides.1).map(move |cell| (cell / sides.1, cell % sides.1));
    let of_pictures = pictures.iter().enumerate();
    let of_pictures =
        of_pictures.flat_map(|(at, sides)| cells(*sides).map(move |cell| (laid.picture)(at, *sides, cell)));
    let of_pictures: Vec<[f32; 3]> = of_pictures.map(|place| place.map(|along| along as f32)).collect();
    let of_text = (0..item.text.tokens()).map(|at| (laid.text)(at, &pictures).map(|along| along as f32));
    [of_pictures, of_text.collect()].map(|places| positions.tables_at(&places).unwrap())
}

/// How far velocities of a model are off diffusers' where tokens are laid so.
fn off_laid(name: &str, laid: &Laid) -> f32 {
    let copy = copy_of(name, false);
    let model = QwenTransformer::load(&TransformerSource::Folder(copy.path().to_owned()), &Compute::cpu()).unwrap();
    let (items, positions) =
        (items_of(name, &model, &Compute::cpu()), Positions::new(model.config().axes, &Device::Cpu));
    let packing = Packing::new(items.iter().map(QwenItem::rows));
    let mut rows = model.rows(&items, &packing).unwrap();
    let [pictures, texts]: [Vec<Tensor>; 2] =
        [0, 1].map(|part| items.iter().map(|item| tables(item, laid, &positions)[part].clone()).collect());
    rows.picture_tables = Tensor::cat(&pictures, 0).unwrap();
    rows.text_tables = Tensor::cat(&texts, 0).unwrap();
    off_of(name, &model.velocities(&items, (&packing, &rows), &NobodyWatches).unwrap(), false)
}

#[test]
fn other_places_show() {
    for laid in std::iter::once(RIGHT).chain(WRONG) {
        let off = ["two_blocks", "three_heads"].map(|name| off_laid(name, &laid));
        println!("{}: off by {off:?}", laid.name);
        let most = off[0].max(off[1]);
        assert!(if laid.name == RIGHT.name { most < TOLERANCE } else { most > 0.01 }, "{}: off by {off:?}", laid.name);
    }
}
