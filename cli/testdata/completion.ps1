# PowerShell completion for node. Load it with:  node completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName node -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $taking = @('--audio', '--log-file')
    $commands = [ordered]@{
        'run' = 'join the room (what node alone does)'
        'devices' = 'list this machine''s devices'
        'completion' = 'print a script'
    }
    $options = @{
        'run' = @('--audio', '--host', '--log-file')
        'devices' = @('--json')
        'completion' = @()
    }
    $values = @{
        '--audio' = @('auto', 'wav:')
    }
    $arguments = @{
        'completion' = @('bash', 'fish')
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
        elseif ($wordToComplete -like '-*') { if ($command -and $options.ContainsKey($command)) { $options[$command] } else { $options['run'] } }
        elseif (-not $command) { $commands.Keys }
        else { $arguments[$command] }
    $known | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
        $about = if (-not $flag -and -not $command -and $commands.Contains($_)) { $commands[$_] } else { $_ }
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $about)
    }
}
