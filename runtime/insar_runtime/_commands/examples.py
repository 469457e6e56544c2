"""Examples in the help of each command: the command line, and what it does."""

from typing import Final

_EGMS: Final = "EGMS_L2b_022_0845_IW2_VV_2020_2024_1"

EXAMPLES: Final = {
    "classify": (
        (f"insar-rt classify {_EGMS}.zip", f"Write {_EGMS}.classified.parquet beside the download."),
        (
            "insar-rt classify points.csv -o classified.parquet --keep-series --diagnose --gpkg classified.gpkg",
            "Also estimate rates, breaks and jumps, keep the series, and write a GeoPackage for QGIS.",
        ),
        (
            "insar-rt classify tiles/ --output-dir classified --skip-existing",
            "Classify all tables of a folder; finished files are skipped.",
        ),
        (
            "insar-rt classify points.csv -o points.gpkg --priors local --neighbours",
            "Let neighbours count: fewer lone false alarms, and whether a jump is one of a single point.",
        ),
    ),
    "restore": (
        ("insar-rt restore corrected.parquet -o points.parquet", "Undo what classify --corrected-out has repaired."),
        (
            "insar-rt restore corrected.csv -o points.csv --overwrite",
            "The same for CSV, in place of an older file.",
        ),
    ),
    "inspect": (
        (f"insar-rt inspect {_EGMS}.zip", "Layout, dates, unit, doubts, and how long classify will take."),
        ("insar-rt inspect points.csv --quick --json", "The same as JSON, from the first rows only."),
    ),
    "show": (
        (
            "insar-rt show classified.parquet --row 3",
            "Draw the series of one row, with its class, trend, break and jumps.",
        ),
        (
            "insar-rt show points.csv --id 15HF3qfOPE --png point.png",
            "Classify and draw the point of this id, as a picture.",
        ),
    ),
    "report": (
        (f"insar-rt report {_EGMS}.zip --diagnose", "Classify and diagnose the download, and write its page."),
        ("insar-rt report classified.parquet", "Write classified.report.html, to be opened in a browser."),
        ("insar-rt report points.csv -o points.html --title 'Western slope'", "Classify the table first."),
        (
            "insar-rt report classified.parquet --areas areas.gpkg",
            "Also outline and list the moving areas that insar-rt areas has found.",
        ),
    ),
    "areas": (
        (
            "insar-rt areas classified.parquet -o areas.gpkg",
            "Outline the areas that move, for QGIS; classify must have kept the series for their quality.",
        ),
        (
            f"insar-rt areas {_EGMS}.zip -o areas.geojson --series --points points.parquet",
            "Classify the download first; add the series of the areas, and the area of each point.",
        ),
    ),
    "compare": (
        (
            "insar-rt compare 2024.parquet 2025.parquet -o changes.gpkg",
            "Match the points of two releases, count changes of class, and write all changes, with a style for QGIS.",
        ),
        (
            "insar-rt compare 2024.parquet 2025.parquet -o alerts.csv --alert break,recent",
            "Write points with a new break or a changed recent rate only; exit code 10 if there are any.",
        ),
    ),
    "join": (
        (
            "insar-rt join EGMS_2018_2022.parquet EGMS_2019_2023.parquet -o joined.parquet",
            "Make one series per point, from 2018 to 2023, on the level of the second file.",
        ),
        (
            "insar-rt join old.csv new.csv -o joined.csv --match position --within 10",
            "The same for tables with other ids, by positions at most 10 m apart.",
        ),
    ),
    "page": (
        (
            "insar-rt page -o classify.html",
            "Make the page, where npm install onnxruntime-web was run; whoever opens it drops a file there.",
        ),
        ("insar-rt page --runtime onnxruntime-web --overwrite", "The same with a folder of another place."),
    ),
    "qgis": (
        ("insar-rt qgis install", "Add the algorithms to the toolbox of QGIS, for all of its profiles."),
        ("insar-rt qgis uninstall --profile default", "Remove them from one profile."),
    ),
    "convert": (
        (
            "insar-rt convert timeseries.h5 -o points.parquet --min-coherence 0.7",
            "Take the coherent pixels of a MintPy stack.",
        ),
        ("insar-rt convert points.csv -o points.parquet", "Make a table that is read faster."),
    ),
    "demo": (
        ("insar-rt demo", "Classify the embedded table; nothing is written."),
        ("insar-rt demo --save-input demo.zip", "Keep the embedded table, to try the other commands with."),
        ("insar-rt demo -o demo.gpkg", "Keep the classified table, to open it in QGIS."),
    ),
    "models": (
        ("insar-rt models", "Names, versions, classes and limits of the shipped models."),
        ("insar-rt models --json", "The same as JSON."),
    ),
    "doctor": (
        ("insar-rt doctor", "Versions, processor, devices, and whether each model works."),
        ("insar-rt doctor --json", "The same as JSON, to attach to a question."),
    ),
    "bench": (
        ("insar-rt bench", "Series a second with the default model on the best device."),
        ("insar-rt bench --device cpu --seconds 10", "The same on the CPU, in ten seconds."),
    ),
}
