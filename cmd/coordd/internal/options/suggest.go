package options

import "fmt"

// Suggest finds the known word that was probably meant, or "".
func Suggest(word string, known []string) string {
	best, bestDistance := "", max(2, len(word)/3)+1
	for _, candidate := range known {
		if d := distance(word, candidate); d < bestDistance && d < len(candidate) {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// suggestion is Suggest as the end of a sentence.
func suggestion(word, prefix string, known []string) string {
	if meant := Suggest(word, known); meant != "" {
		return fmt.Sprintf("; did you mean %s%s?", prefix, meant)
	}
	return ""
}

// distance counts the insertions, deletions and replacements of bytes that turn one word into the other.
func distance(from, to string) int {
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(to) {
			replaced := diagonal
			if from[i] != to[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}
