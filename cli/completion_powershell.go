package cli

import "strings"

func powershellCompletion(g grammar) string {
	list := func(words []string) string {
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = powershellQuoted(w)
		}
		return "@(" + strings.Join(quoted, ", ") + ")"
	}
	valued := g.valued()
	return fill(`
# PowerShell completion for node. Load it with:  node completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName node -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $taking = @TAKING@
    $commands = [ordered]@{
@COMMANDS@
    }
    $options = @{
@OPTIONS@
    }
    $values = @{
@VALUES@
    }
    $arguments = @{
@ARGUMENTS@
    }
    $flag = $null
    $command = $null
    foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
        $word = $element.ToString()
        if ($element.Extent.EndOffset -ge $cursorPosition -and $wordToComplete) { break }
        if ($flag) { $flag = $null }
        elseif ($taking -contains $word) { $flag = $word }
        elseif ($word -notlike '-*' -and -not $command) { $command = $word }
    }
    $known = if ($flag) { $values[$flag] }
        elseif ($wordToComplete -like '-*') { if ($command -and $options.ContainsKey($command)) { $options[$command] } else { $options[@RUN@] } }
        elseif (-not $command) { $commands.Keys }
        else { $arguments[$command] }
    $known | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
        $about = if (-not $flag -and -not $command -and $commands.Contains($_)) { $commands[$_] } else { $_ }
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $about)
    }
}
`, map[string]string{
		"TAKING": list(g.taking()),
		"COMMANDS": eachLine(len(g), func(i int) string {
			return "        " + powershellQuoted(g[i].name) + " = " + powershellQuoted(g[i].usage)
		}),
		"OPTIONS": eachLine(len(g), func(i int) string {
			return "        " + powershellQuoted(g[i].name) + " = " + list(g[i].optionNames())
		}),
		"VALUES": eachLine(len(valued), func(i int) string {
			if valued[i].values.words == nil { // PowerShell offers files by itself
				return ""
			}
			return "        " + powershellQuoted("--"+valued[i].name) + " = " + list(valued[i].values.words)
		}),
		"ARGUMENTS": eachLine(len(g), func(i int) string {
			if g[i].argument.words == nil {
				return ""
			}
			return "        " + powershellQuoted(g[i].name) + " = " + list(g[i].argument.words)
		}),
		"RUN": powershellQuoted(g[0].name),
	})
}

func powershellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
