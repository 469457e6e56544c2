#!/bin/sh
#SBATCH --array=0-999%64
#SBATCH --cpus-per-task=1
#SBATCH --mem=500M
#SBATCH --time=00:20:00
# ls egms/*.zip > files.txt; sbatch --array=0-$(($(wc -l < files.txt) - 1))%64 slurm_array.sh
# One line of files.txt for each task.
file=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" files.txt)
# Outputs appear whole or not at all, and those of the same input and model are left: the array can be submitted again.
# Memory is a little less than Slurm allows: then the command says what is wrong, in place of a killed task.
exec insar-rt classify "$file" --skip-existing --threads 1 --memory-limit 450M --quiet
